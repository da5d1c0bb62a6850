import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { asciiBytes } from '../../src/base/index.ts'
import { adoptSwitch, type SwitchClient, type SwitchNetwork, startSwitch } from '../../src/engine/index.ts'
import { encodeEthernet, framesOf, RunReader, runOf } from '../../src/network/index.ts'

/** Switch processes that are joined as those of several hosts are. */

const ALL = 0xffff_ffff_ffff
const [A, B, C] = [0x0003_ff00_000a, 0x0003_ff00_000b, 0x0003_ff00_000c]
type TrunkConfig = NonNullable<SwitchNetwork['trunk']>

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'vtr-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function sharedKeys(folder: string, name: string, digit: string): string {
  const path = join(folder, name)
  writeFileSync(path, `lab:${digit.repeat(64)}\n`, { mode: 0o600 })
  return path
}

async function host(t: TestContext, trunk: TrunkConfig) {
  const socketFolder = mkdtempSync(join(tmpdir(), 'vth-'))
  t.after(async () => {
    await (await adoptSwitch(socketFolder))?.stop()
    rmSync(socketFolder, { recursive: true, force: true })
  })
  const configured = (wanted: TrunkConfig) => ({ networks: [{ name: 'Lab', key: 'lab', trunk: wanted }] })
  const client = await startSwitch({ socketFolder, ...configured(trunk) })
  const events: string[] = []
  client.events.on('network', ({ code }) => events.push(code))
  return { client, events, change: (wanted: TrunkConfig) => client.configure(configured(wanted)) }
}

async function trunkOf(client: SwitchClient) {
  return (await client.status()).networks[0]!.trunk!
}

async function portOf(client: SwitchClient): Promise<number> {
  await until(async () => (await trunkOf(client)).listening !== undefined)
  return (await trunkOf(client)).listening!.port
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 40_000
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, 'it did not come about in time')
    await delay(20)
  }
}

const peersUp = async (client: SwitchClient) =>
  (await trunkOf(client)).peers.filter(({ isUp }) => isUp).length

async function station(client: SwitchClient) {
  const stations = async () =>
    (await client.status()).networks[0]!.ports.filter(({ name }) => name.startsWith('port ')).length
  const before = await stations()
  const socket = net.connect(client.socketOf('lab'))
  await until(async () => (await stations()) > before)
  const heard: string[] = []
  const reader = new RunReader()
  socket.on('data', (chunk) =>
    reader.push(chunk, (run) => {
      for (const frame of framesOf(run))
        heard.push(Buffer.from(frame.subarray(14)).toString('latin1').replace(/\0+$/, ''))
    }),
  )
  const say = (destination: number, source: number, text: string) =>
    socket.write(runOf(encodeEthernet({ destination, source, type: 0x88b5, payload: asciiBytes(text) })))
  return { heard, say }
}

test('two hosts are one network, joined once whoever dials, and again after a break', async (t) => {
  const keys = sharedKeys(folderFor(t), 'keys', 'a')
  const listen = { address: '127.0.0.1', port: 0 }
  const left = await host(t, { listen, sharedKeys: keys })
  const to = (port: number) => [{ host: '127.0.0.1', port }]
  const right = await host(t, { listen, connect: to(await portOf(left.client)), sharedKeys: keys })
  // Each dials the other: two connections, one trunk.
  await left.change({ listen, connect: to(await portOf(right.client)), sharedKeys: keys })
  await right.change({ listen, connect: to(await portOf(left.client)), sharedKeys: keys })
  const bothUp = async () => (await peersUp(left.client)) === 1 && (await peersUp(right.client)) === 1
  await until(bothUp)
  const [a, b] = [await station(left.client), await station(right.client)]
  // While two connections become one a frame may be lost: say it until it is heard.
  let said = 0
  await until(() => {
    a.say(ALL, A, `hello ${++said}`)
    return b.heard.length > 0
  })
  await until(() => {
    b.say(A, B, `answer ${++said}`)
    return a.heard.length > 0
  })
  await until(bothUp)
  assert.equal(new Set(b.heard).size, b.heard.length, 'nothing is heard twice')
  const ports = (await right.client.status()).networks[0]!.ports
  const trunk = ports.find(({ name }) => name.startsWith('trunk '))!
  assert.ok(trunk.counters.framesReceived > 0 && trunk.counters.framesSent > 0)
  assert.equal(trunk.counters.framesMalformed, 0)
  assert.ok(left.events.includes('trunk-up'))
  await left.client.stop()
  await until(() => right.events.includes('trunk-down'))
})

test('three hosts, everybody to everybody: each frame arrives once; with a hub, the others need only know it', async (t) => {
  const keys = sharedKeys(folderFor(t), 'keys', 'b')
  const listen = { address: '127.0.0.1', port: 0 }
  const to = (...ports: number[]) => ports.map((port) => ({ host: '127.0.0.1', port }))
  const one = await host(t, { listen, sharedKeys: keys })
  const onePort = await portOf(one.client)
  const two = await host(t, { listen, connect: to(onePort), sharedKeys: keys })
  const three = await host(t, { connect: to(onePort, await portOf(two.client)), sharedKeys: keys })
  for (const { client } of [one, two, three]) await until(async () => (await peersUp(client)) === 2)
  const [a, b, c] = [await station(one.client), await station(two.client), await station(three.client)]
  a.say(ALL, A, 'first')
  b.say(ALL, B, 'second')
  c.say(ALL, C, 'third')
  await until(() => a.heard.length >= 2 && b.heard.length >= 2 && c.heard.length >= 2)
  a.say(C, A, 'last')
  await until(() => c.heard.includes('last'))
  assert.deepEqual(
    [a, b, c].map(({ heard }) => heard.toSorted()),
    [
      ['second', 'third'],
      ['first', 'third'],
      ['first', 'last', 'second'],
    ],
  )
  const hub = await host(t, { listen, hub: true, sharedKeys: keys })
  const hubPort = await portOf(hub.client)
  await two.change({ connect: to(hubPort), sharedKeys: keys })
  await three.change({ connect: to(hubPort), sharedKeys: keys })
  await until(async () => (await peersUp(hub.client)) === 2)
  b.say(ALL, B, 'through the hub')
  await until(() => c.heard.includes('through the hub'))
})

test('who has another key, a certificate of another authority, or no TLS is turned away', async (t) => {
  const folder = folderFor(t)
  const keys = sharedKeys(folder, 'keys', 'c')
  const listen = { address: '127.0.0.1', port: 0 }
  const left = await host(t, { listen, sharedKeys: keys })
  const port = await portOf(left.client)
  const connect = [{ host: '127.0.0.1', port }]
  const stranger = await host(t, { connect, sharedKeys: sharedKeys(folder, 'others', 'd') })
  const plain = net.connect(port, '127.0.0.1')
  plain.on('error', () => undefined)
  plain.end('{"vivarium":"trunk","version":1}\n')
  await until(async () => (await trunkOf(stranger.client)).peers[0]?.problem !== undefined)
  assert.deepEqual([await peersUp(left.client), await peersUp(stranger.client)], [0, 0])
  await assert.rejects(stranger.change({ connect, sharedKeys: join(folder, 'missing') }), {
    kind: 'not-found',
  })

  const ours = certificates(folder, 'ours')
  const theirs = certificates(folder, 'theirs')
  const secured = await host(t, { listen, ...ours })
  const known = await host(t, {
    connect: [{ host: '127.0.0.1', port: await portOf(secured.client) }],
    ...ours,
  })
  await until(async () => (await peersUp(known.client)) === 1)
  await stranger.change({ connect: [{ host: '127.0.0.1', port: await portOf(secured.client) }], ...theirs })
  await until(async () => (await trunkOf(stranger.client)).peers[0]?.problem !== undefined)
  assert.deepEqual([await peersUp(secured.client), await peersUp(stranger.client)], [1, 0])
})

/** An authority and a certificate that it signed. */
function certificates(folder: string, name: string) {
  const at = (file: string) => join(folder, `${name}-${file}`)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca'),
  )
  openssl('req', ...newKey, '-subj', '/CN=host', '-keyout', at('key'), '-out', at('csr'))
  const authority = ['-CA', at('ca'), '-CAkey', at('ca.key'), '-CAcreateserial']
  openssl('x509', '-req', '-in', at('csr'), ...authority, '-days', '2', '-out', at('certificate'))
  execFileSync('chmod', ['600', at('key')])
  return { certificate: at('certificate'), key: at('key'), authority: at('ca') }
}
