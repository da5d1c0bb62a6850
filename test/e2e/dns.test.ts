import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adoptSwitch, type SwitchNetwork, startSwitch } from '../../src/engine/index.ts'
import { askResolver } from '../../src/engine/switch-process/resolver.ts'
import { missingForNamespace, type NamespaceStation, plugNamespace } from './namespace.ts'

/** dig, nsupdate and the C library's stub resolver, in network namespaces, against the real switch process. */

async function lab(t: TestContext, settings: Partial<SwitchNetwork>) {
  const socketFolder = mkdtempSync(join(tmpdir(), 'vdns-'))
  t.after(async () => {
    await (await adoptSwitch(socketFolder))?.stop()
    rmSync(socketFolder, { recursive: true, force: true })
  })
  const client = await startSwitch({ socketFolder, networks: [{ name: 'Lab', key: 'lab', ...settings }] })
  return Object.assign(client, { folder: socketFolder })
}

const SERVER = '@10.244.0.1'
const atAddress = (last: number) => ({ setup: `ip addr add 10.244.0.${last}/24 dev tap0` })
const short = async (station: NamespaceStation, ...args: string[]) =>
  (await station.run('dig', '+short', '+timeout=5', SERVER, ...args)).trim()

test('dig reads records of every type, over UDP and TCP, whole and cut', { timeout: 60_000 }, async (t) => {
  if (missingForNamespace(t, 'dig')) return
  const many = Array.from({ length: 200 }, (_, index) => ({
    ...{ name: 'many', type: 'A' as const },
    value: `10.244.1.${index}`,
  }))
  const client = await lab(t, {
    address: '10.244.0.1/24',
    dns: {
      domain: 'lab.example',
      records: [
        { name: 'dc1', type: 'A', value: '10.244.0.9' },
        { name: 'dc1', type: 'AAAA', value: 'fd00::9' },
        { name: 'www', type: 'CNAME', value: 'dc1' },
        { name: '_ldap._tcp', type: 'SRV', value: '0 100 389 dc1' },
        { name: '@', type: 'MX', value: '10 dc1' },
        { name: '@', type: 'TXT', value: '"v=spf1" "-all"' },
        ...many,
      ],
    },
  })
  const station = await plugNamespace(t, client.socketOf('lab'), atAddress(20))
  assert.equal(await short(station, 'www.lab.example'), 'dc1.lab.example.\n10.244.0.9')
  assert.equal(await short(station, 'dc1.lab.example', 'AAAA'), 'fd00::9')
  assert.equal(await short(station, '_ldap._tcp.lab.example', 'SRV'), '0 100 389 dc1.lab.example.')
  assert.equal(await short(station, 'lab.example', 'MX'), '10 dc1.lab.example.')
  assert.equal(await short(station, 'lab.example', 'TXT'), '"v=spf1" "-all"')
  assert.equal(await short(station, '-x', '10.244.0.9'), 'dc1.lab.example.')
  assert.equal(await short(station, '-x', 'fd00::9'), 'dc1.lab.example.')
  assert.match(
    await short(station, 'lab.example', 'SOA'),
    /^ns\.lab\.example\. hostmaster\.lab\.example\. \d+ /,
  )
  const cut = await station.run('dig', '+ignore', '+bufsize=1232', SERVER, 'many.lab.example')
  assert.match(cut, /flags: qr aa tc rd ra;/)
  // Cut over UDP, dig asks again by itself; and it may ask over TCP at once, several questions on one connection.
  assert.equal((await short(station, 'many.lab.example')).split('\n').length, 200)
  const kept = await station.run('dig', '+tcp', '+keepopen', SERVER, 'many.lab.example', 'dc1.lab.example')
  assert.equal(kept.match(/status: NOERROR/g)?.length, 2)
  const none = await station.run('dig', SERVER, 'nobody.lab.example')
  assert.match(none, /status: NXDOMAIN[\s\S]*lab\.example\.\s+10\s+IN\s+SOA/)
  assert.match(await station.run('dig', SERVER, 'www.example.com'), /status: NXDOMAIN/)
  assert.match(await station.run('dig', '+tcp', SERVER, 'lab.example', 'AXFR'), /Transfer failed/)
})

test('a DHCP client finds the server, is found by name and address by the C library, and vanishes with its lease', {
  timeout: 90_000,
}, async (t) => {
  if (missingForNamespace(t, 'dhclient', 'dig', 'getent')) return
  const client = await lab(t, { dhcp: {}, dns: {} })
  const [xp1, asker] = await Promise.all([
    plugNamespace(t, client.socketOf('lab')),
    plugNamespace(t, client.socketOf('lab')),
  ])
  writeFileSync(join(xp1.folder, 'dhclient.conf'), 'send host-name "XP1";\n')
  await xp1.run('dhclient', '-4', '-1', '-cf', join(xp1.folder, 'dhclient.conf'), xp1.device)
  const own = /inet ([\d.]+)/.exec(await xp1.run('ip', '-4', 'addr', 'show', xp1.device))![1]!
  await asker.run('dhclient', '-4', '-1', asker.device)
  assert.match(await asker.run('cat', '/etc/resolv.conf'), /lab\.internal[\s\S]*nameserver 10\.244\.0\.1\n/)
  assert.match(await asker.run('getent', 'ahostsv4', 'xp1'), new RegExp(`^${own} .*xp1`, 'mi'))
  assert.match(await asker.run('getent', 'hosts', own), /xp1\.lab\.internal/i)
  await xp1.run('dhclient', '-4', '-r', '-cf', join(xp1.folder, 'dhclient.conf'), xp1.device)
  assert.match(await asker.run('dig', SERVER, 'xp1.lab.internal'), /status: NXDOMAIN/)
})

test('nsupdate registers what the setting allows', { timeout: 60_000 }, async (t) => {
  if (missingForNamespace(t, 'nsupdate', 'dig')) return
  const client = await lab(t, { address: '10.244.0.1/24', dns: { domain: 'lab.example', updates: 'own' } })
  const station = await plugNamespace(t, client.socketOf('lab'), atAddress(20))
  const file = join(station.folder, 'update')
  const update = (...lines: string[]) => {
    writeFileSync(file, ['server 10.244.0.1', ...lines, 'send', ''].join('\n'))
    return station.run('nsupdate', '-t', '5', file)
  }
  const service = 'update add _ldap._tcp.lab.example 600 SRV 0 100 389 dc1.lab.example'
  await update('prereq nxdomain dc1.lab.example', 'update add dc1.lab.example 600 A 10.244.0.20')
  await update('update add 20.0.244.10.in-addr.arpa 600 PTR dc1.lab.example')
  assert.equal(await short(station, 'dc1.lab.example'), '10.244.0.20')
  assert.equal(await short(station, '-x', '10.244.0.20'), 'dc1.lab.example.')
  await assert.rejects(update('prereq nxdomain dc1.lab.example', 'update delete dc1.lab.example'), /YXDOMAIN/)
  await assert.rejects(update('update add pc.lab.example 600 A 10.244.0.66'), /REFUSED/)
  await assert.rejects(update(service), /REFUSED/)
  await client.configure({
    networks: [
      { name: 'Lab', key: 'lab', address: '10.244.0.1/24', dns: { domain: 'lab.example', updates: 'all' } },
    ],
  })
  await update(service)
  assert.equal(await short(station, '_ldap._tcp.lab.example', 'SRV'), '0 100 389 dc1.lab.example.')
})

test('what nsupdate registered is there after the switch was killed', { timeout: 90_000 }, async (t) => {
  if (missingForNamespace(t, 'nsupdate', 'dig')) return
  const folder = mkdtempSync(join(tmpdir(), 'journals-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const settings = {
    address: '10.244.0.1/24',
    dns: { domain: 'lab.example' },
    dnsFile: join(folder, 'lab.dns.json'),
  }
  const client = await lab(t, settings)
  const station = await plugNamespace(t, client.socketOf('lab'), atAddress(20))
  const file = join(station.folder, 'update')
  const update = (...lines: string[]) => {
    writeFileSync(file, ['server 10.244.0.1', ...lines, 'send', ''].join('\n'))
    return station.run('nsupdate', '-t', '5', file)
  }
  await update('update add dc1.lab.example 600 A 10.244.0.20', 'update add dc1.lab.example 600 AAAA fd00::9')
  await update('update add gone.lab.example 600 A 10.244.0.20')
  await update('update delete gone.lab.example A')
  const closed = new Promise((resolve) => client.events.on('closed', resolve))
  // The last that it was told is on disk.
  process.kill(client.identity.pid, 'SIGKILL')
  await closed
  await station.unplug()
  const next = await startSwitch({
    socketFolder: client.folder,
    networks: [{ name: 'Lab', key: 'lab', ...settings }],
  })
  assert.notEqual(next.identity.pid, client.identity.pid)
  const asker = await plugNamespace(t, next.socketOf('lab'), atAddress(21))
  assert.equal(await short(asker, 'dc1.lab.example'), '10.244.0.20')
  assert.equal(await short(asker, 'dc1.lab.example', 'AAAA'), 'fd00::9')
  assert.match(await asker.run('dig', SERVER, 'gone.lab.example'), /status: NXDOMAIN/)
  // It is its owner's still.
  writeFileSync(join(asker.folder, 'update'), 'server 10.244.0.1\nupdate delete dc1.lab.example\nsend\n')
  await assert.rejects(asker.run('nsupdate', '-t', '5', join(asker.folder, 'update')), /REFUSED/)
})

test('what lies outside is asked of a forwarder, and asked once', { timeout: 60_000 }, async (t) => {
  if (missingForNamespace(t, 'dig', 'dnsmasq')) return
  const port = await dnsmasq(t)
  const client = await lab(t, {
    address: '10.244.0.1/24',
    dns: { domain: 'lab.example', forwarders: ['127.0.0.1:1', `127.0.0.1:${port}`] },
  })
  const station = await plugNamespace(t, client.socketOf('lab'), atAddress(20))
  assert.equal(await short(station, 'far.example'), '192.0.2.80')
  assert.equal(await short(station, 'far.example'), '192.0.2.80')
  // Longer than a datagram: from the forwarder to us, and from us to dig, over TCP.
  assert.equal((await short(station, 'long.example', 'TXT')).match(/x{200}/g)?.length, 10)
  const { forwarder, counts } = (await client.status()).networks[0]!.services.dns!
  assert.deepEqual([forwarder?.fromCache, forwarder?.underWay, counts.failed], [2, 0, 0])
})

/** A DNS server of the host's world, on a free port of the loopback. */
async function dnsmasq(t: TestContext): Promise<number> {
  const probe = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  const own = ['--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=', '--pid-file=']
  const where = [`--port=${port}`, '--listen-address=127.0.0.1', '--bind-interfaces']
  const strings = Array.from({ length: 10 }, () => 'x'.repeat(200)).join(',')
  const what = ['--address=/far.example/192.0.2.80', `--txt-record=long.example,${strings}`, '--local-ttl=60']
  const server = spawn('dnsmasq', [...own, ...where, ...what], { stdio: 'ignore' })
  t.after(async () => {
    server.kill()
    if (server.exitCode === null) await once(server, 'exit')
  })
  const query = Buffer.from('0001010000010000000000000366617207', 'hex')
  const question = Buffer.concat([query, Buffer.from('example\0'), Buffer.of(0, 1, 0, 1)])
  for (let attempts = 0; attempts < 20; attempts++) {
    if ((await askResolver(question, { address: '127.0.0.1', port })) !== undefined) return port
    await delay(100)
  }
  throw new Error('dnsmasq does not answer')
}
