import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adoptSwitch, type SwitchClient, startSwitch } from '../../src/engine/index.ts'
import { encodeEthernet, encodeIpv4, encodeUdp, IP_PROTOCOL, runOf } from '../../src/network/index.ts'
import { missing } from './tools.ts'

/** Captures of the switch process, opened by tshark. */

const [A, B] = [0x0003_ff00_000a, 0x0003_ff00_000b]
const PORTS = [
  { key: 'a', name: 'XP, adapter 1', network: 'lab' },
  { key: 'b', name: 'Büro', network: 'lab' },
]

async function lab(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'vcap-'))
  const socketFolder = join(folder, 's')
  t.after(async () => {
    await (await adoptSwitch(socketFolder))?.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const client = await startSwitch({ socketFolder, networks: [{ name: 'Lab', key: 'lab' }], ports: PORTS })
  const [a, b] = [net.connect(client.socketOfPort('a')), net.connect(client.socketOfPort('b'))]
  await until(async () => (await client.status()).networks[0]!.ports.length === 2)
  b.resume()
  return { folder, client, a, b }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, 'it did not come about in time')
    await delay(10)
  }
}

function datagram(port: number, bytes = 20): Uint8Array {
  const addresses = { source: 0x0a00_0001, destination: 0x0a00_0002 }
  const udp = { sourcePort: 4000, destinationPort: port, payload: new Uint8Array(bytes) }
  const packet = { ...addresses, protocol: IP_PROTOCOL.udp, identification: 1, timeToLive: 64 }
  const payload = encodeIpv4({ ...packet, payload: encodeUdp(udp, addresses) })
  return encodeEthernet({ destination: B, source: A, type: 0x0800, payload })
}

function tshark(path: string, ...fields: readonly string[]): string[][] {
  const options = ['-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])]
  const output = execFileSync('tshark', options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return output
    .trimEnd()
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
}

async function framesReceived(client: SwitchClient): Promise<number> {
  return (await client.status()).networks[0]!.totals.framesReceived
}

test('tshark reads a capture file: ports as interfaces, direction, addresses', async (t) => {
  if (missing(t, 'tshark')) return
  const { folder, client, a, b } = await lab(t)
  const path = join(folder, 'lab.pcapng')
  const id = await client.captureToFile({ network: 'lab', file: { path } })
  a.write(runOf(datagram(53), datagram(80)))
  await until(async () => (await framesReceived(client)) === 2)
  b.write(runOf(encodeEthernet({ destination: A, source: B, type: 0x88b5, payload: new Uint8Array(46) })))
  await until(async () => (await client.status()).captures[0]?.framesCaptured === 3)
  await client.stopCapture(id)
  const fields = ['frame.interface_name', 'eth.src', 'udp.dstport', 'frame.packet_flags_direction'] as const
  const first = ['XP, adapter 1', '00:03:ff:00:00:0a']
  const rows = tshark(path, ...fields)
  assert.deepEqual(
    rows.map((row) => row.slice(0, 3)),
    [
      [...first, '53'],
      [...first, '80'],
      ['Büro', '00:03:ff:00:00:0b', ''],
    ],
  )
  assert.ok(rows.every((row) => Number(row[3]) === 1))
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual((await client.status()).captures, [])
  await assert.rejects(client.stopCapture(id), { code: 'no-such-capture' })
})

test('a pipe into tshark shows frames live; a filtered socket has only its own', async (t) => {
  if (missing(t, 'tshark')) return
  const { folder, client, a } = await lab(t)
  const filtered = await client.captureToSocket({
    network: 'lab',
    filter: { port: 'Büro', protocol: 'udp', portNumber: 80, address: '10.0.0.2' },
  })
  const live = spawn('tshark', ['-i', '-', '-l', '-T', 'fields', '-e', 'udp.dstport'])
  t.after(() => live.kill())
  const [all, some] = [net.connect(client.captureSocketOf('lab')), net.connect(filtered)]
  const pieces: Buffer[] = []
  some.on('data', (piece: Buffer) => pieces.push(piece))
  all.pipe(live.stdin)
  let shown = ''
  live.stdout.on('data', (piece: Buffer) => {
    shown += piece
  })
  await until(async () => (await client.status()).captures.length === 2)
  a.write(runOf(datagram(53), datagram(80)))
  await until(() => shown === '53\n80\n')
  all.destroy()
  await until(async () => (await client.status()).captures.length === 1)
  await client.stopCapture((await client.status()).captures[0]!.id)
  if (!some.closed) await once(some, 'close')
  const path = join(folder, 'some.pcapng')
  execFileSync('sh', ['-c', `cat > '${path}'`], { input: Buffer.concat(pieces) })
  assert.deepEqual(tshark(path, 'udp.dstport', 'frame.interface_name', 'frame.packet_flags_direction'), [
    ['80', 'Büro', tshark(path, 'frame.packet_flags_direction')[0]![0]!],
  ])
  await until(() => !readdirSync(join(folder, 's')).some((name) => name.endsWith('.filtered')))
})

test('files turn by size, the oldest goes, and each can be read alone', async (t) => {
  if (missing(t, 'tshark')) return
  const { folder, client, a } = await lab(t)
  const file = { path: join(folder, 'turn.pcapng'), maximumBytes: 64 * 1024, maximumFiles: 2 }
  const id = await client.captureToFile({ network: 'lab', file })
  for (let frame = 0; frame < 200; frame++) a.write(runOf(datagram(1 + frame, 1000)))
  await until(async () => (await client.status()).captures[0]?.framesCaptured === 200)
  await client.stopCapture(id)
  const files = readdirSync(folder).filter((name) => name.startsWith('turn'))
  assert.deepEqual(files.toSorted(), ['turn.3.pcapng', 'turn.4.pcapng'])
  const ports = files.toSorted().flatMap((name) => tshark(join(folder, name), 'udp.dstport').flat())
  assert.equal(ports.at(-1), '200')
  assert.deepEqual(
    ports.map(Number),
    Array.from({ length: ports.length }, (_, index) => 201 - ports.length + index),
  )
  const single = { path: join(folder, 'single.pcapng'), maximumBytes: 64 * 1024 }
  await client.captureToFile({ network: 'lab', file: single })
  for (let frame = 0; frame < 200; frame++) a.write(runOf(datagram(7, 1000)))
  await until(async () => (await client.status()).captures.length === 0)
  assert.ok(tshark(single.path, 'udp.dstport').length > 50)
  assert.ok(statSync(single.path).size <= 64 * 1024)
})

test('a reader that does not read loses frames, not the network', async (t) => {
  if (missing(t, 'tshark')) return
  const { folder, client, a } = await lab(t)
  const reader = net.connect(client.captureSocketOf('lab'))
  reader.pause()
  await until(async () => (await client.status()).captures.length === 1)
  const run = runOf(...Array.from({ length: 100 }, () => datagram(9, 1400)))
  for (let round = 0; round < 60; round++) if (!a.write(run)) await once(a, 'drain')
  await until(async () => (await framesReceived(client)) === 6000)
  const [capture] = (await client.status()).captures
  assert.ok(capture!.framesDropped > 0)
  assert.equal(capture!.framesCaptured + capture!.framesDropped, 6000)
  const pieces: Buffer[] = []
  reader.on('data', (piece: Buffer) => pieces.push(piece))
  reader.resume()
  await until(() => pieces.reduce((sum, piece) => sum + piece.length, 0) === capture!.bytesCaptured)
  const path = join(folder, 'lossy.pcapng')
  execFileSync('sh', ['-c', `cat > '${path}'`], { input: Buffer.concat(pieces) })
  assert.equal(tshark(path, 'frame.number').length, capture!.framesCaptured)
})

test('a capture that cannot be made says why', async (t) => {
  const { folder, client } = await lab(t)
  const start = (network: string, path: string) => client.captureToFile({ network, file: { path } })
  await assert.rejects(start('office', join(folder, 'x')), { code: 'no-such-network' })
  await assert.rejects(start('lab', 'relative'), { code: 'capture-path' })
  await assert.rejects(start('lab', join(folder, 'missing', 'x')), { kind: 'not-found' })
})
