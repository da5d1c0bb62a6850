import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { missingForNamespace } from './namespace.ts'
import { end } from './processes.ts'
import { bin, newFolder, until } from './server-process.ts'

/**
 * The External Network of a host's adapter, with a guest on it: the host is a namespace with an adapter on a bridge, and
 * at the far end of the adapter's cable is a LAN with a DHCP server of its own.
 */

/** Where bridges cannot be made, this ends with 3. */
const HOST = `
mount -t sysfs sysfs /sys
ip link set lo up
ip link add br0 type bridge || exit 3
ip link add eth0 type veth peer name lan0
ip link set eth0 master br0
for device in br0 eth0 lan0; do ip link set $device up; done
ip addr add 192.168.77.1/24 dev lan0
exec "$2" "$3" serve --port 0 --data "$1"
`

const DHCP_RANGE = '192.168.77.100,192.168.77.150'

async function startHost(t: TestContext) {
  const data = newFolder(t)
  const children: ChildProcess[] = []
  t.after(() => Promise.all(children.map((child) => end(child))))
  const own = ['--map-root-user', '--net', '--mount', 'sh', '-ec', HOST, 'host']
  const host = spawn('unshare', [...own, data, process.execPath, bin], {
    cwd: data,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(host)
  let said = ''
  host.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await until('the server prints its line', () => said.includes('sign in once') || host.exitCode !== null)
  const enter = ['--target', String(host.pid), '--user', '--net', '--mount', '--preserve-credentials', '--']
  const start = (...command: string[]) => children.push(spawn('nsenter', [...enter, ...command]))
  const vivarium = async (...command: string[]): Promise<unknown> => {
    const env = { ...process.env, VIVARIUM_DATA: data }
    const args = [...enter, process.execPath, bin, ...command, '--json']
    return JSON.parse((await promisify(execFile)('nsenter', args, { env, timeout: 60_000 })).stdout)
  }
  return { data, start, vivarium, hasBridges: host.exitCode !== 3 }
}

test('a guest on the External Network of an adapter gets its address from the network out there', {
  timeout: 180_000,
}, async (t) => {
  if (missingForNamespace(t, 'dnsmasq')) return
  const { data, start, vivarium, hasBridges } = await startHost(t)
  if (!hasBridges) return t.skip('the host has no bridges in its kernel')
  const leases = join(data, 'leases')
  writeFileSync(leases, '')
  const answering = ['--port=0', '--interface=lan0', '--bind-interfaces', `--dhcp-range=${DHCP_RANGE}`]
  start('dnsmasq', '--no-daemon', '--user=root', ...answering, `--dhcp-leasefile=${leases}`)
  await vivarium('network', 'connect', 'Hello', '1', 'External Network (eth0)')
  await vivarium('machine', 'start', 'Hello')
  await until(
    'a lease of the DHCP server out there',
    () => / 192\.168\.77\.1\d\d hello /.exec(readFileSync(leases, 'utf8')) ?? undefined,
  )
  const { status } = (await vivarium('network', 'show', 'External Network (eth0)')) as {
    status: { uplink: { isUp: boolean }; ports: { name: string }[] }
  }
  assert.equal(status.uplink.isUp, true)
  assert.deepEqual(status.ports.map(({ name }) => name.replace(/^uplink viv-.*/, 'uplink')).sort(), [
    'Hello, adapter 1',
    'uplink',
  ])
  await vivarium('machine', 'stop', 'Hello')
})
