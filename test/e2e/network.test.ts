import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adoptSwitch, type SwitchClient, type SwitchNetwork, startSwitch } from '../../src/engine/index.ts'
import { startBootGuest } from './guests/boot-guest.ts'
import { missingForNamespace, plugNamespace } from './namespace.ts'
import { missing } from './tools.ts'

/** What a network's settings tell a client, and leases that survive a crash of the real switch process. */

/** iPXE as a network card's option ROM: boots from the network, which begins with DHCP. */
const IPXE = '/usr/lib/ipxe/qemu/pxe-e1000.rom'
const DHCP = { gateway: '10.244.0.1', dns: ['10.244.0.5'], wins: ['10.244.0.6'], domain: 'lab.example' }

async function lab(t: TestContext) {
  const socketFolder = mkdtempSync(join(tmpdir(), 'vnet-'))
  t.after(async () => {
    await (await adoptSwitch(socketFolder))?.stop()
    rmSync(socketFolder, { recursive: true, force: true })
  })
  const leaseFile = join(socketFolder, 'leases.json')
  const networks: readonly SwitchNetwork[] = [{ name: 'Lab', key: 'lab', dhcp: DHCP, leaseFile }]
  const start = () => startSwitch({ socketFolder, networks })
  return { leaseFile, start, client: await start() }
}

/** The leases, once so many are bound. */
async function boundLeases(client: SwitchClient, count: number): Promise<Map<string, string>> {
  for (;;) {
    const leases = (await client.status()).networks[0]?.services.dhcp?.leases ?? []
    const bound = leases.filter(({ state }) => state === 'bound')
    if (bound.length >= count) return new Map(bound.map(({ mac, address }) => [mac, address]))
    await delay(100)
  }
}

const TWO = ['00:03:ff:00:00:01', '00:03:ff:00:00:02'] as const

test('two machines get leases of their own, and the same ones after the switch has crashed', {
  timeout: 120_000,
}, async (t) => {
  if (missing(t, 'qemu-system-i386', IPXE)) return
  const { leaseFile, start, client } = await lab(t)
  const plug = (to: SwitchClient, mac: string) =>
    startBootGuest(t, { socket: to.socketOf('lab'), mac, card: `e1000,romfile=${IPXE}`, memoryMb: 32 })
  const guests = TWO.map((mac) => plug(client, mac))
  const leases = await boundLeases(client, 2)
  assert.deepEqual([...leases.keys()].sort(), [...TWO])
  assert.deepEqual([...leases.values()].sort(), ['10.244.0.16', '10.244.0.17'])
  const { ports, stations } = (await client.status()).networks[0]!
  assert.equal(ports.length, 2)
  for (const mac of TWO) assert.ok(stations.some((station) => station.mac === mac))

  while (!TWO.every((mac) => readFileSync(leaseFile, 'utf8').includes(mac))) await delay(20)

  for (const guest of guests) guest.process.kill('SIGKILL')
  const gone = new Promise((resolve) => client.events.on('closed', () => resolve(undefined)))
  process.kill(client.identity.pid, 'SIGKILL')
  await gone
  const next = await start()
  const before = readFileSync(leaseFile, 'utf8')
  plug(next, TWO[1])
  while (readFileSync(leaseFile, 'utf8') === before) await delay(100)
  assert.deepEqual(await boundLeases(next, 2), leases)
})

test('udhcpc gets its lease with all settings, and pings the network’s host', {
  timeout: 60_000,
}, async (t) => {
  if (missingForNamespace(t, 'busybox', 'udhcpc')) return
  const { client } = await lab(t)
  const station = await plugNamespace(t, client.socketOf('lab'), { mac: TWO[0] })
  const script = join(station.folder, 'told')
  const told = '$ip $subnet $router $dns $wins $domain $serverid $lease'
  const use = `ip addr add $ip/24 dev ${station.device}`
  writeFileSync(script, `#!/bin/sh\n[ $1 != bound ] || { echo "${told}"; ${use}; }\n`, { mode: 0o755 })
  const asked = ['-O', 'wins', '-x', 'hostname:lab-pc']
  const output = await station.run('udhcpc', '-i', station.device, '-s', script, '-n', '-q', '-f', ...asked)
  const settings = '10.244.0.16 255.255.255.0 10.244.0.1 10.244.0.5 10.244.0.6 lab.example 10.244.0.1 86400'
  assert.ok(output.includes(settings), output)
  const pings = await station.run('busybox', 'ping', '-c', '3', '-W', '2', '10.244.0.1')
  assert.match(pings, /3 packets transmitted, 3 packets received/)
  const [lease] = (await client.status()).networks[0]!.services.dhcp!.leases
  assert.deepEqual([lease?.hostName, lease?.mac], ['lab-pc', TWO[0]])
})
