import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adoptSwitch, type SwitchNetwork, startSwitch } from '../../src/engine/index.ts'
import { missingForNamespace, type NamespaceStation, plugNamespace } from './namespace.ts'

/** Linux's own IPv6 in network namespaces, and the tools of ndisc6, with a network that advertises a prefix. */

const OWN = 'fd12:3456:789a::1'
const TIMEOUT_MS = 40_000

async function lab(t: TestContext, ipv6: SwitchNetwork['ipv6']) {
  const socketFolder = mkdtempSync(join(tmpdir(), 'vipv6-'))
  t.after(async () => {
    await (await adoptSwitch(socketFolder))?.stop()
    rmSync(socketFolder, { recursive: true, force: true })
  })
  const network = { name: 'Lab', key: 'lab', address: '10.244.0.1/24', mtu: 1400 }
  const prefix = 'fd12:3456:789a::/64'
  return startSwitch({ socketFolder, networks: [{ ...network, ipv6: { prefix, ...ipv6 } }] })
}

/** A kernel that makes its addresses of the MAC, and believes advertisements whatever the machine is set to. */
async function plug(t: TestContext, socket: string, last: number) {
  const set = (name: string, value: number) => `echo ${value} >/proc/sys/net/ipv6/conf/tap0/${name}`
  const setup = [set('disable_ipv6', 0), set('accept_ra', 1), set('addr_gen_mode', 0)].join('\n')
  const station = await plugNamespace(t, socket, { mac: `00:03:ff:00:00:0${last}`, setup })
  return {
    ...station,
    address: `fd12:3456:789a:0:203:ffff:fe00:${last}`,
    near: `fe80::203:ffff:fe00:${last}`,
  }
}

/** @returns what the command says once it says it */
async function until(station: NamespaceStation, what: RegExp, ...command: [string, ...string[]]) {
  const deadline = performance.now() + TIMEOUT_MS
  for (;;) {
    const output = await station.run(...command)
    if (what.test(output)) return output
    if (performance.now() > deadline) throw new Error(`${command[0]} never said ${what}:\n${output}`)
    await delay(200)
  }
}

/** It has the address, and has tried whether somebody else has it. */
const settled = (station: NamespaceStation, address: string) =>
  until(station, new RegExp(`inet6 ${address}/64 scope \\w+ (?!tentative)`), 'ip', '-6', 'addr', 'show')

test('Linux makes itself an address of the prefix, without a default route, and pings the host and a neighbour', {
  timeout: 120_000,
}, async (t) => {
  if (missingForNamespace(t, 'ping')) return
  const client = await lab(t, {})
  const socket = client.socketOf('lab')
  const [one, other] = await Promise.all([plug(t, socket, 1), plug(t, socket, 2)])
  await Promise.all([settled(one, one.address), settled(other, other.address)])
  const ping = (to: string, ...more: string[]) => one.run('ping', '-6', '-c', '2', '-W', '5', ...more, to)
  assert.match(await ping(OWN), / 2 received/)
  assert.match(await ping(other.address), / 2 received/)
  assert.match(await ping(OWN, '-s', '1352', '-M', 'do'), /1360 bytes from fd12:3456:789a::1/)
  const { addresses, counts } = (await client.status()).networks[0]!.services.ipv6!
  assert.match(await ping(`${addresses[0]}%tap0`), / 2 received/)
  assert.equal(await one.run('ip', '-6', 'route', 'show', 'default'), '')
  assert.equal((await one.run('cat', '/proc/sys/net/ipv6/conf/tap0/mtu')).trim(), '1400')
  assert.ok(counts.advertisementsSent > 0 && counts.neighbourSolicitations > 0)
})

test('the address of the host is defended: Linux gives up to take it', { timeout: 120_000 }, async (t) => {
  if (missingForNamespace(t)) return
  const client = await lab(t, {})
  const station = await plug(t, client.socketOf('lab'), 1)
  await settled(station, station.address)
  await station.run('ip', '-6', 'addr', 'add', `${OWN}/64`, 'dev', station.device)
  await until(station, new RegExp(`inet6 ${OWN}/64 .*dadfailed`), 'ip', '-6', 'addr', 'show')
})

test('rdisc6 and ndisc6 show what is advertised, and Linux takes a router for its own', {
  timeout: 120_000,
}, async (t) => {
  if (missingForNamespace(t, 'rdisc6', 'ndisc6')) return
  const searchList = ['lab.example', 'example']
  const client = await lab(t, { router: true, dns: ['fd12:3456:789a::53'], searchList, intervalSeconds: 100 })
  const station = await plug(t, client.socketOf('lab'), 1)
  await settled(station, station.near)
  const { host, services } = (await client.status()).networks[0]!
  const heard = services.ipv6!.counts.routerSolicitations
  const shown = await station.run('rdisc6', '-1', '-w', '10000', station.device)
  for (const line of [
    /Stateful address conf\. *: +No/,
    /Router lifetime *: +300 /,
    /Prefix *: fd12:3456:789a::\/64/,
    /On-link *: +Yes/,
    /Autonomous address conf\.: +Yes/,
    /Valid time *: +2592000 /,
    /Pref\. time *: +604800 /,
    /MTU *: +1400 bytes/,
    /Recursive DNS server *: fd12:3456:789a::53/,
    /DNS search list *: lab\.example example/,
    new RegExp(`Source link-layer address: ${host!.mac}`, 'i'),
    new RegExp(`from ${services.ipv6!.addresses[0]}`),
  ])
    assert.match(shown, line)
  assert.ok((await client.status()).networks[0]!.services.ipv6!.counts.routerSolicitations > heard)
  assert.match(await station.run('ndisc6', OWN, station.device), new RegExp(host!.mac, 'i'))
  const near = services.ipv6!.addresses[0]!
  await until(station, new RegExp(`default via ${near}`), 'ip', '-6', 'route', 'show', 'default')
})
