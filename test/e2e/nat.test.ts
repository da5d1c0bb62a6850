import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adoptSwitch, type SwitchEvent, type SwitchNetwork, startSwitch } from '../../src/engine/index.ts'
import { missingForNamespace, plugNamespace } from './namespace.ts'

/** NAT by passt and our router: real stations in namespaces reach this host, and it reaches them. */

const HOST = '198.18.0.1'

function missing(t: TestContext): boolean {
  if (missingForNamespace(t, 'passt', 'dhclient')) return true
  const routes = execFileSync('ip', ['-4', 'route', 'show', 'default'], { encoding: 'utf8' })
  if (routes !== '') return false
  t.skip('the host has no default route, which passt needs')
  return true
}

async function lab(t: TestContext, uplink: SwitchNetwork['uplink']) {
  const socketFolder = mkdtempSync(join(tmpdir(), 'vnat-'))
  t.after(async () => {
    await (await adoptSwitch(socketFolder))?.stop()
    rmSync(socketFolder, { recursive: true, force: true })
  })
  const networks = [{ name: 'Lab', key: 'lab', dhcp: {}, uplink }]
  const client = await startSwitch({ socketFolder, networks })
  const events: SwitchEvent[] = []
  client.events.on('network', (event) => events.push(event))
  const uplinkStatus = async () => (await client.status()).networks[0]!.uplink
  await until(async () => (await uplinkStatus())?.isUp === true)
  return { client, events, uplinkStatus, networks }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, 'it did not come about in time')
    await delay(20)
  }
}

/** Answers a line by TCP with who asked, and a datagram with the same. */
async function echoServers(t: TestContext): Promise<{ tcp: number; udp: number }> {
  const tcp = net.createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data) => socket.end(`tcp ${data}`))
  })
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const udp = dgram.createSocket('udp4', (data, from) => udp.send(`udp ${data}`, from.port, from.address))
  udp.bind(0, '127.0.0.1')
  await once(udp, 'listening')
  t.after(() => {
    tcp.close()
    udp.close()
  })
  return { tcp: (tcp.address() as AddressInfo).port, udp: udp.address().port }
}

/** Runs in the namespace: says something to a port and prints the answer. */
const ask = (protocol: string, host: string, port: number, text: string) =>
  protocol === 'tcp'
    ? `const s = require('node:net').connect(${port}, '${host}', () => s.write('${text}'))
       s.setTimeout(15000, () => process.exit(1)); s.on('data', (d) => process.stdout.write(d))`
    : `const s = require('node:dgram').createSocket('udp4'); const say = () => s.send('${text}', ${port}, '${host}')
       say(); setInterval(say, 500); setTimeout(() => process.exit(1), 15000)
       s.on('message', (d) => { process.stdout.write(d, () => process.exit(0)) })`

test('two machines share the uplink: TCP, UDP and addresses by DHCP', async (t) => {
  if (missing(t)) return
  const { client } = await lab(t, { kind: 'nat', hostLoopback: true })
  const ports = await echoServers(t)
  const byHand = 'ip addr add 10.244.0.9/24 dev tap0; ip route add default via 10.244.0.1'
  const one = await plugNamespace(t, client.socketOf('lab'), { setup: byHand })
  const two = await plugNamespace(t, client.socketOf('lab'))
  await two.run('dhclient', '-4', '-1', '-pf', join(two.folder, 'pid'), two.device)
  assert.match(await two.run('ip', 'route'), /default via 10\.244\.0\.1/)
  assert.match(await two.run('cat', '/etc/resolv.conf'), /nameserver 198\.18\.0\.3/)
  for (const protocol of ['tcp', 'udp'] as const) {
    const answers = await Promise.all(
      [one, two].map((station, index) =>
        station.run(process.execPath, '-e', ask(protocol, HOST, ports[protocol], `hello ${index}`)),
      ),
    )
    assert.deepEqual(answers, [`${protocol} hello 0`, `${protocol} hello 1`])
  }
  const { nat } = (await client.status()).networks[0]!
  assert.equal(nat?.mappings, 4)
})

test('the loopback of the host is closed unless it is opened', async (t) => {
  if (missing(t)) return
  const { client } = await lab(t, { kind: 'nat' })
  const ports = await echoServers(t)
  const setup = 'ip addr add 10.244.0.9/24 dev tap0; ip route add default via 10.244.0.1'
  const station = await plugNamespace(t, client.socketOf('lab'), { setup })
  const attempt = `const s = require('node:net').connect(${ports.tcp}, '${HOST}')
    s.on('connect', () => console.log('connected')); s.on('error', () => console.log('refused'))
    setTimeout(() => { console.log('silence'); process.exit(0) }, 3000)`
  const outcome = (await station.run(process.execPath, '-e', attempt)).trim().split('\n')[0]
  assert.notEqual(outcome, 'connected')
})

test('ports of the host lead to the machine that they are forwarded to', async (t) => {
  if (missing(t)) return
  const [tcpPort, udpPort] = [await freePort(), await freePort()]
  const guest = { hostAddress: '127.0.0.1', guestAddress: '10.244.0.9' }
  const forwards = [
    { ...guest, protocol: 'tcp' as const, hostPort: tcpPort, guestPort: 8080 },
    { ...guest, protocol: 'udp' as const, hostPort: udpPort, guestPort: 5353 },
  ]
  const { client } = await lab(t, { kind: 'nat', forwards })
  const setup = 'ip addr add 10.244.0.9/24 dev tap0; ip route add default via 10.244.0.1'
  const station = await plugNamespace(t, client.socketOf('lab'), { setup })
  const server = station.start(
    process.execPath,
    '-e',
    `require('node:net').createServer((s) => s.on('data', (d) => s.end('guest ' + d)).on('error', () => 0))
       .listen(8080, () => {
         const u = require('node:dgram').createSocket('udp4', (d, r) => u.send('guest ' + d, r.port, r.address))
         u.bind(5353, () => console.log('ready'))
       })`,
  )
  await once(server.stdout!, 'data')
  const socket = net.connect(tcpPort, '127.0.0.1', () => socket.write('tcp'))
  socket.setTimeout(20_000, () => socket.destroy(new Error('no answer')))
  const [answer] = await once(socket, 'data')
  assert.equal(String(answer), 'guest tcp')
  const datagrams = dgram.createSocket('udp4')
  t.after(() => datagrams.close())
  const again = setInterval(() => datagrams.send('udp', udpPort, '127.0.0.1'), 300)
  t.after(() => clearInterval(again))
  const [datagram] = await once(datagrams, 'message', { signal: AbortSignal.timeout(20_000) })
  assert.equal(String(datagram), 'guest udp')
})

test('a ping reaches the host exactly where the host lets its users ping', async (t) => {
  if (missing(t) || missingForNamespace(t, 'ping')) return
  const [low = 1, high = 0] = readFileSync('/proc/sys/net/ipv4/ping_group_range', 'utf8')
    .split(/\s+/)
    .map(Number)
  const { client } = await lab(t, { kind: 'nat', hostLoopback: true })
  const setup = 'ip addr add 10.244.0.9/24 dev tap0; ip route add default via 10.244.0.1'
  const station = await plugNamespace(t, client.socketOf('lab'), { setup })
  const ping = (host: string) => station.run('sh', '-c', `ping -c 2 -W 5 ${host} || true`)
  assert.match(await ping('10.244.0.1'), /, 0% packet loss/)
  assert.match(await ping(HOST), low <= high ? /, 0% packet loss/ : /, 100% packet loss/)
})

test('passt that is killed is started again, and people are told; other settings leave it alone', async (t) => {
  if (missing(t)) return
  const { client, events, uplinkStatus, networks } = await lab(t, { kind: 'nat' })
  const { pid } = (await uplinkStatus())!
  await client.configure({ networks: [{ ...networks[0]!, name: 'Laboratory' }] })
  assert.equal((await uplinkStatus())?.pid, pid)
  process.kill(pid!, 'SIGKILL')
  await until(async () => (await uplinkStatus())?.restarts === 1 && (await uplinkStatus())?.isUp === true)
  assert.deepEqual(
    events.map(({ code }) => code),
    ['uplink-down'],
  )
  await client.configure({ networks: [{ ...networks[0]!, uplink: { kind: 'none' } }] })
  assert.equal(await uplinkStatus(), undefined)
})

test('a port of the host that is taken is named, and is used once it is free', async (t) => {
  if (missing(t)) return
  const taken = net.createServer().listen(0, '0.0.0.0')
  await once(taken, 'listening')
  const { port: hostPort } = taken.address() as AddressInfo
  t.after(() => taken.close())
  const forwards = [{ hostPort, guestAddress: '10.244.0.9', guestPort: 80 }]
  const { uplinkStatus } = await lab(t, { kind: 'nat', forwards })
  await until(async () => (await uplinkStatus())?.problem !== undefined)
  const { problem, next } = (await uplinkStatus())!
  assert.match(problem!, new RegExp(`: port ${hostPort} of this computer is taken\\.$`))
  assert.match(next!, /^End the program that listens there/)
  taken.close()
  await until(async () => (await uplinkStatus())?.isUp === true)
})

test('NAT that cannot work is refused', async (t) => {
  const socketFolder = mkdtempSync(join(tmpdir(), 'vnat-'))
  t.after(() => rmSync(socketFolder, { recursive: true, force: true }))
  const start = (network: Partial<SwitchNetwork>) =>
    startSwitch({ socketFolder, networks: [{ name: 'Lab', key: 'lab', ...network }] })
  await assert.rejects(start({ uplink: { kind: 'nat' } }), /gateway/)
  const forward = { hostPort: 80, guestAddress: '10.244.0.9', guestPort: 80 }
  const nat = (...forwards: (typeof forward)[]) => ({ dhcp: {}, uplink: { kind: 'nat' as const, forwards } })
  await assert.rejects(start(nat(forward, forward)), /Two forwards/)
  await assert.rejects(start(nat({ ...forward, guestAddress: '10.0.0.1' })), /not on this network/)
})

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
