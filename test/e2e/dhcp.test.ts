import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adoptSwitch, type SwitchClient, type SwitchNetwork, startSwitch } from '../../src/engine/index.ts'
import { missingForNamespace, plugNamespace } from './namespace.ts'

/** Real DHCP clients, each in a network namespace of its own, against the real switch process. */

async function lab(t: TestContext, settings: Partial<SwitchNetwork> = {}) {
  const socketFolder = mkdtempSync(join(tmpdir(), 'vdhcp-'))
  t.after(async () => {
    await (await adoptSwitch(socketFolder))?.stop()
    rmSync(socketFolder, { recursive: true, force: true })
  })
  const networks: readonly SwitchNetwork[] = [{ name: 'Lab', key: 'lab', dhcp: {}, ...settings }]
  return startSwitch({ socketFolder, networks })
}

test('dhclient with its own script takes a lease, uses it and releases it', {
  timeout: 60_000,
}, async (t) => {
  if (missingForNamespace(t, 'dhclient', 'busybox')) return
  const client = await lab(t, {
    dhcp: { dns: ['10.244.0.5'], wins: ['10.244.0.6'], domain: 'lab.example' },
  })
  const station = await plugNamespace(t, client.socketOf('lab'), { mac: '00:03:ff:00:00:01' })
  await station.run('dhclient', '-4', '-1', station.device)
  const address = await station.run('ip', '-4', 'addr', 'show', station.device)
  assert.match(address, /inet 10\.244\.0\.16\/24 brd 10\.244\.0\.255/)
  const told = await station.run('cat', '/var/lib/dhcp/dhclient.leases')
  assert.match(told, /option netbios-name-servers 10\.244\.0\.6;/)
  await station.run('busybox', 'ping', '-c', '1', '-W', '5', '10.244.0.1')
  assert.match(await station.run('cat', '/etc/resolv.conf'), /lab\.example[\s\S]*10\.244\.0\.5/)
  await station.run('dhclient', '-4', '-r', station.device)
  const { leases, messages } = (await client.status()).networks[0]!.services.dhcp!
  assert.deepEqual(
    leases.map(({ mac, state }) => [mac, state]),
    [[station.mac, 'released']],
  )
  assert.equal(messages.release, 1)
})

const dhcpOf = async (client: SwitchClient) => (await client.status()).networks[0]!.services.dhcp!

test('udhcpc gets the options of its class and its machine, at its reserved address', {
  timeout: 60_000,
}, async (t) => {
  if (missingForNamespace(t, 'udhcpc')) return
  const mac = '00:03:ff:00:00:07'
  const client = await lab(t, {
    dhcp: {
      search: ['lab.example', 'example'],
      options: [{ code: 42, type: 'addresses', value: ['10.244.0.7'] }],
      classes: [
        {
          name: 'BusyBox',
          vendorClass: { prefix: 'udhcp' },
          options: [{ code: 26, type: 'number16', value: 1400 }],
        },
      ],
      reservations: [{ address: '10.244.0.5', mac, hostName: 'dc1', boot: { file: 'pxelinux.0' } }],
    },
  })
  const station = await plugNamespace(t, client.socketOf('lab'), { mac })
  const script = join(station.folder, 'told')
  const told = '$1 $ip $hostname mtu $mtu ntp $ntpsrv file $boot_file search $search'
  writeFileSync(script, `#!/bin/sh\n[ $1 != bound ] || echo "${told}"\n`, { mode: 0o755 })
  const asked = ['mtu', 'ntpsrv', 'search'].flatMap((option) => ['-O', option])
  const output = await station.run('udhcpc', '-i', station.device, '-s', script, '-n', '-q', '-f', ...asked)
  assert.match(
    output,
    /bound 10\.244\.0\.5 dc1 mtu 1400 ntp 10\.244\.0\.7 file pxelinux\.0 search lab\.example example/,
  )
})

test('dhcpcd is turned away from an address that a station uses unasked, and takes the next', {
  timeout: 90_000,
}, async (t) => {
  if (missingForNamespace(t, 'dhcpcd')) return
  const client = await lab(t, { dhcp: { rapidCommit: true } })
  const events: string[] = []
  client.events.on('network', ({ code }) => events.push(code))
  const setup = 'ip addr add 10.244.0.16/24 dev tap0'
  await plugNamespace(t, client.socketOf('lab'), { mac: '00:03:ff:00:00:99', setup })
  const station = await plugNamespace(t, client.socketOf('lab'), { mac: '00:03:ff:00:00:08' })
  await station.run('dhcpcd', '-4', '-1', '-t', '30', '--noarp', station.device)
  assert.match(await station.run('ip', '-4', 'addr', 'show', station.device), /inet 10\.244\.0\.17\/24/)
  const { leases } = await dhcpOf(client)
  assert.deepEqual(
    leases.map(({ address, mac, state }) => [address, mac, state]),
    [
      ['10.244.0.16', '00:03:ff:00:00:99', 'declined'],
      ['10.244.0.17', '00:03:ff:00:00:08', 'bound'],
    ],
  )
  assert.deepEqual(events, ['dhcp-address-in-use'])
  await client.dropLease('lab', '10.244.0.17')
  assert.equal((await dhcpOf(client)).leases.length, 1)
  await assert.rejects(client.dropLease('lab', '10.244.0.17'), { code: 'no-such-lease' })
})

test('a lab’s own DHCP server silences ours, and its clients get addresses of it alone', {
  timeout: 90_000,
}, async (t) => {
  if (missingForNamespace(t, 'dnsmasq', 'dhclient')) return
  const client = await lab(t, { dhcp: { enabled: false } })
  const events: string[] = []
  client.events.on('network', ({ code }) => events.push(code))
  const setup = 'ip addr add 10.244.0.2/24 dev tap0'
  const server = await plugNamespace(t, client.socketOf('lab'), { mac: '00:03:ff:00:00:02', setup })
  const range = ['--dhcp-range=10.244.0.200,10.244.0.210', '--dhcp-authoritative', '--no-ping']
  const files = ['--conf-file=/dev/null', '--pid-file=', `--dhcp-leasefile=${server.folder}/leases`]
  const rival = server.start('dnsmasq', '--no-daemon', '--port=0', ...files, '--interface=tap0', ...range)
  await toSay(rival, 'DHCP, IP range')
  // Ours looks for others soon after it begins, and then for minutes not again.
  await client.configure({ networks: [{ name: 'Lab', key: 'lab', dhcp: {} }] })
  while (!(await dhcpOf(client)).isStandingDown) await delay(100)
  const { otherServers } = await dhcpOf(client)
  assert.deepEqual(
    otherServers.map(({ address, mac }) => [address, mac]),
    [['10.244.0.2', server.mac]],
  )
  assert.deepEqual(events, ['dhcp-other-server'])
  const station = await plugNamespace(t, client.socketOf('lab'))
  await station.run('dhclient', '-4', '-1', station.device)
  assert.match(await station.run('ip', '-4', 'addr', 'show', station.device), /inet 10\.244\.0\.20\d\/24/)
  assert.deepEqual((await dhcpOf(client)).leases, [])
})

function toSay(program: ChildProcess, text: string): Promise<void> {
  let said = ''
  return new Promise((resolve, reject) => {
    program.stderr?.on('data', (chunk) => {
      said += chunk
      if (said.includes(text)) resolve()
    })
    program.once('exit', () => reject(new Error(`It ended without saying "${text}": ${said}`)))
  })
}
