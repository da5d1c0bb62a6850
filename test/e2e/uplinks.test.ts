import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  adoptSwitch,
  type SwitchClient,
  type SwitchEvent,
  type SwitchNetwork,
} from '../../src/engine/index.ts'
import { missingForNamespace, plugNamespace } from './namespace.ts'

/** Tap devices of a host: here the host is a namespace, with the switch process in it. */

const ROOT = ['--map-root-user', '--net']
const NOBODY = ['--user', '--map-user=1000', '--map-group=1000', '--net']
const START = `
import { startSwitch } from '${join(import.meta.dirname, '../../src/engine/index.ts')}'
const client = await startSwitch({ socketFolder: process.argv[1], networks: [] })
client.detach()`

async function hostWithSwitch(t: TestContext, namespace: readonly string[]) {
  const socketFolder = mkdtempSync(join(tmpdir(), 'vtap-'))
  t.after(async () => {
    await (await adoptSwitch(socketFolder))?.stop()
    rmSync(socketFolder, { recursive: true, force: true })
  })
  const node = [process.execPath, '--input-type=module', '-e', START, socketFolder]
  execFileSync('unshare', [...namespace, ...node], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 60_000,
  })
  const client = await adoptSwitch(socketFolder)
  assert.ok(client !== undefined)
  const events: SwitchEvent[] = []
  client.events.on('network', (event) => events.push(event))
  const enter = ['--target', String(client.identity.pid), '--user', '--net', '--preserve-credentials', '--']
  const onHost = (...command: readonly string[]) =>
    execFileSync('nsenter', [...enter, ...command], { encoding: 'utf8' })
  return { client, events, onHost }
}

async function uplink(client: SwitchClient, settings: SwitchNetwork['uplink']) {
  await client.configure({ networks: [{ name: 'Lab', key: 'laboratory-one', uplink: settings }] })
  const status = async () => (await client.status()).networks[0]!.uplink
  const deadline = performance.now() + 30_000
  for (;;) {
    const now = await status()
    if (now?.isUp === true || now?.problem !== undefined) return now
    assert.ok(performance.now() < deadline, 'the uplink says nothing')
    await delay(20)
  }
}

const GUEST = { setup: 'ip addr add 10.244.0.9/24 dev tap0' }

test('host-only: the host has an address on the network, and both reach each other', async (t) => {
  if (missingForNamespace(t, 'ping')) return
  const { client, onHost } = await hostWithSwitch(t, ROOT)
  const status = await uplink(client, { kind: 'hostOnly', address: '10.244.0.2/24' })
  assert.deepEqual([status.isUp, status.problem], [true, undefined])
  assert.match(status.interface!, /^viv-labor-[0-9a-f]{4}$/)
  const guest = await plugNamespace(t, client.socketOf('laboratory-one'), GUEST)
  assert.match(await guest.run('ping', '-c', '2', '-W', '5', '10.244.0.2'), /, 0% packet loss/)
  assert.match(onHost('ping', '-c', '2', '-W', '5', '10.244.0.9'), /, 0% packet loss/)
  assert.match(onHost('ping', '-c', '1', '-W', '5', '-s', '1400', '10.244.0.9'), /, 0% packet loss/)
  const ports = (await client.status()).networks[0]!.ports.map(({ name }) => name)
  assert.ok(ports.includes(`uplink ${status.interface}`))
  await client.configure({ networks: [{ name: 'Lab', key: 'laboratory-one' }] })
  const isThere = () => onHost('ip', '-o', 'link').includes(status.interface!)
  while (isThere()) await delay(20)
})

test('a bridge of the host takes the network in; one that is not there is said', async (t) => {
  if (missingForNamespace(t, 'ping')) return
  const { client, events, onHost } = await hostWithSwitch(t, ROOT)
  const missing = await uplink(client, { kind: 'bridge', bridge: 'br0', interface: 'viv0' })
  assert.match(missing.problem ?? '', /no bridge "br0"/)
  assert.deepEqual(
    events.map(({ code }) => code),
    ['uplink-down'],
  )
  try {
    onHost('ip', 'link', 'add', 'br0', 'type', 'bridge')
  } catch {
    return t.skip('the host has no bridges in its kernel')
  }
  onHost('sh', '-c', 'ip addr add 10.244.0.3/24 dev br0; ip link set br0 up')
  const status = await uplink(client, { kind: 'bridge', bridge: 'br0', interface: 'viv1' })
  assert.equal(status.isUp, true)
  assert.match(onHost('ip', 'link', 'show', 'viv1'), /master br0/)
  const guest = await plugNamespace(t, client.socketOf('laboratory-one'), GUEST)
  assert.match(await guest.run('ping', '-c', '2', '-W', '10', '10.244.0.3'), /, 0% packet loss/)
})

test('without the right it says which command gives it', async (t) => {
  if (missingForNamespace(t)) return
  const { client, events } = await hostWithSwitch(t, NOBODY)
  const status = await uplink(client, { kind: 'tap', interface: 'viv0' })
  assert.match(status.problem ?? '', /may not/)
  assert.match(
    status.next ?? '',
    /^Run: sudo ip tuntap add dev viv0 mode tap user \S+ && sudo ip link set dev viv0 up$/,
  )
  assert.equal(events[0]?.next, status.next)
})
