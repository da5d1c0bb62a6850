import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BROADCAST_ADDRESS, BROADCAST_MAC } from '../../addresses.ts'
import { BootRequestLog } from '../requests.ts'
import { type BootLab, bootLab, CLIENT, type Heard, memoryFiles, patternBytes } from '../testing.ts'
import { decodeTftp, encodeTftp, TFTP_ERROR, type TftpPacket } from './packet.ts'
import { TftpServer } from './server.ts'

const TEXT = new TextEncoder().encode('one\ntwo\r')
const FILES = {
  'boot.bin': patternBytes(1300),
  'even.bin': patternBytes(1024),
  'empty.bin': new Uint8Array(0),
  'long.bin': patternBytes(40_000),
  'text.cfg': TEXT,
}

function tftpLab(mtu?: number) {
  const lab = bootLab(mtu)
  const files = memoryFiles(FILES)
  const log = new BootRequestLog()
  const server = new TftpServer({ ...lab, open: files.open, log })
  lab.host.listen(69, (datagram) => server.receive(datagram))
  return { ...lab, files, log, server }
}

function read(
  lab: BootLab,
  file: string,
  options: Record<string, string> = {},
  mode = 'octet',
  sourcePort = 2000,
) {
  const request = { file, mode, options: new Map(Object.entries(options)) }
  lab.say({ sourcePort, payload: encodeTftp({ kind: 'read', request }) })
}

function acknowledge(lab: BootLab, heard: Heard, block: number) {
  lab.say({ destinationPort: heard.sourcePort, payload: encodeTftp({ kind: 'acknowledgment', block }) })
}

function packetOf(heard: Heard | undefined): TftpPacket {
  assert.ok(heard !== undefined, 'it is silent')
  const packet = decodeTftp(heard.payload)
  assert.ok(typeof packet !== 'string')
  return packet
}

/** All blocks, each acknowledged. */
async function fetchAll(lab: BootLab): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (;;) {
    const heard = await lab.look()
    for (const one of heard) {
      const packet = packetOf(one)
      assert.ok(packet.kind === 'data')
      parts.push(packet.bytes)
      if (one === heard.at(-1)) acknowledge(lab, one, packet.block)
      if (packet.bytes.length < 512) return Buffer.concat(parts)
    }
  }
}

test('a file in blocks of 512, to the last that is short', async () => {
  const lab = tftpLab()
  read(lab, 'boot.bin')
  assert.deepEqual(await fetchAll(lab), Buffer.from(FILES['boot.bin']))
  await lab.look()
  assert.deepEqual(lab.log.records(), [
    {
      at: new Date(lab.clock.now()).toISOString(),
      client: '10.244.0.16',
      protocol: 'tftp',
      path: 'boot.bin',
      outcome: 'done',
      bytes: 1300,
    },
  ])
  assert.deepEqual([lab.files.openFiles, lab.server.status()], [0, []])
})

test('a file that fills its blocks ends with an empty one, an empty file is one empty block', async () => {
  const lab = tftpLab()
  for (const [file, lengths] of [
    ['even.bin', [512, 512, 0]],
    ['empty.bin', [0]],
  ] as const) {
    read(lab, file)
    for (const [index, length] of lengths.entries()) {
      const [heard] = await lab.look()
      const packet = packetOf(heard)
      assert.ok(packet.kind === 'data')
      assert.deepEqual([packet.block, packet.bytes.length], [index + 1, length])
      acknowledge(lab, heard!, packet.block)
    }
    assert.deepEqual(await lab.look(), [])
  }
  assert.equal(lab.files.openFiles, 0)
})

test('options are answered, those with a bad value left out; data comes after block 0 is acknowledged', async () => {
  const lab = tftpLab()
  read(lab, 'boot.bin', { BlkSize: '5000', tsize: '0', timeout: '0', windowsize: '2', colour: 'red' })
  const [heard] = await lab.look()
  const packet = packetOf(heard)
  assert.ok(packet.kind === 'options')
  assert.deepEqual(Object.fromEntries(packet.options), { blksize: '1468', tsize: '1300', windowsize: '2' })
  acknowledge(lab, heard!, 0)
  const data = packetOf((await lab.look())[0])
  assert.ok(data.kind === 'data' && data.block === 1 && data.bytes.length === 1300)
})

test('a block is no longer than a packet of the network', async () => {
  const lab = tftpLab(576)
  read(lab, 'boot.bin', { blksize: '1468' })
  const [heard] = await lab.look()
  const packet = packetOf(heard)
  assert.ok(packet.kind === 'options')
  assert.deepEqual(Object.fromEntries(packet.options), { blksize: '544' })
  acknowledge(lab, heard!, 0)
  const data = packetOf((await lab.look())[0])
  assert.ok(data.kind === 'data' && data.bytes.length === 544)
  // Without options it is 512 as ever, and fits.
  read(lab, 'even.bin', {}, 'octet', 2001)
  const plain = packetOf((await lab.look())[0])
  assert.ok(plain.kind === 'data' && plain.bytes.length === 512)
})

test('a client that wanted the size only says so by an error', async () => {
  const lab = tftpLab()
  read(lab, 'boot.bin', { tsize: '0' })
  const [heard] = await lab.look()
  lab.say({
    destinationPort: heard!.sourcePort,
    payload: encodeTftp({ kind: 'error', code: 0, message: 'TFTP Aborted' }),
  })
  assert.deepEqual(await lab.look(), [])
  assert.deepEqual([lab.files.openFiles, lab.log.records()[0]!.outcome], [0, 'done'])
})

test('a window of blocks; what is missing in it is sent again from there (RFC 7440)', async () => {
  const lab = tftpLab()
  read(lab, 'long.bin', { windowsize: '4' })
  const [options] = await lab.look()
  acknowledge(lab, options!, 0)
  const blocks = async () =>
    (await lab.look()).map((heard) => {
      const packet = packetOf(heard)
      return packet.kind === 'data' ? packet.block : packet
    })
  assert.deepEqual(await blocks(), [1, 2, 3, 4])
  acknowledge(lab, options!, 2)
  assert.deepEqual(await blocks(), [3, 4, 5, 6])
  // The first of the window is lost: the last good one again, and only once is it answered.
  for (let time = 0; time < 5; time++) acknowledge(lab, options!, 2)
  assert.deepEqual(await blocks(), [3, 4, 5, 6])
  acknowledge(lab, options!, 9)
  assert.deepEqual(await blocks(), [])
})

test('acknowledgments that come twice double nothing (Sorcerer’s Apprentice)', async () => {
  const lab = tftpLab()
  read(lab, 'boot.bin')
  const [first] = await lab.look()
  acknowledge(lab, first!, 1)
  acknowledge(lab, first!, 1)
  acknowledge(lab, first!, 1)
  assert.equal((await lab.look()).length, 1)
})

test('block numbers go round in a file of more than 65,535 blocks', async () => {
  const lab = bootLab()
  const files = memoryFiles({ 'huge.bin': patternBytes(8 * 65_540) })
  const server = new TftpServer({ ...lab, open: files.open, log: new BootRequestLog() })
  lab.host.listen(69, (datagram) => server.receive(datagram))
  read(lab, 'huge.bin', { blksize: '8', windowsize: '64' })
  const [options] = await lab.look()
  acknowledge(lab, options!, 0)
  let blocks = 0
  for (let last = -1; last !== 0; ) {
    const heard = await lab.look()
    for (const one of heard) {
      const packet = packetOf(one)
      assert.ok(packet.kind === 'data')
      blocks++
      assert.equal(packet.block, blocks & 0xffff)
      last = packet.bytes.length
    }
    acknowledge(lab, options!, blocks & 0xffff)
  }
  assert.equal(blocks, 65_541)
  await lab.look()
  assert.equal(files.openFiles, 0)
})

test('without an answer a block is sent three times to who never answered, six times to who did', async () => {
  const lab = tftpLab()
  read(lab, 'boot.bin')
  const count = async () => {
    let blocks = 0
    for (let second = 0; second < 100; second++) {
      blocks += (await lab.look()).length
      lab.clock.pass(1000)
    }
    return blocks
  }
  assert.equal(await count(), 3)
  read(lab, 'boot.bin')
  acknowledge(lab, (await lab.look())[0]!, 1)
  assert.equal(await count(), 6)
  assert.deepEqual(
    lab.log.records().map(({ outcome, bytes }) => [outcome, bytes]),
    [
      ['timed-out', 0],
      ['timed-out', 512],
    ],
  )
  assert.equal(lab.files.openFiles, 0)
})

test('lines of a text end with CR LF in netascii', async () => {
  const lab = tftpLab()
  read(lab, 'text.cfg', {}, 'NetASCII')
  const packet = packetOf((await lab.look())[0])
  assert.ok(packet.kind === 'data')
  assert.equal(new TextDecoder().decode(packet.bytes), 'one\r\ntwo\r\0')
})

test('what cannot be is refused: no file, writing, a mode of its own', async () => {
  const lab = tftpLab()
  const codes: number[] = []
  const answer = async () => {
    const packet = packetOf((await lab.look())[0])
    if (packet.kind === 'error') codes.push(packet.code)
  }
  read(lab, 'nothing')
  await answer()
  const request = { file: 'boot.bin', mode: 'octet', options: new Map() }
  lab.say({ payload: encodeTftp({ kind: 'write', request }) })
  await answer()
  read(lab, 'boot.bin', {}, 'mail')
  await answer()
  assert.deepEqual(codes, [TFTP_ERROR.notFound, TFTP_ERROR.accessViolation, TFTP_ERROR.illegalOperation])
})

test('a request to everybody and answers to no request get silence', async () => {
  const lab = tftpLab()
  const request = { file: 'boot.bin', mode: 'octet', options: new Map() }
  lab.say({
    mac: BROADCAST_MAC,
    destination: BROADCAST_ADDRESS,
    payload: encodeTftp({ kind: 'read', request }),
  })
  lab.say({ payload: encodeTftp({ kind: 'error', code: 1, message: 'x' }) })
  lab.say({ payload: encodeTftp({ kind: 'acknowledgment', block: 1 }) })
  lab.say({ payload: new Uint8Array([0, 1, 65]) })
  assert.deepEqual(await lab.look(), [])
})

test('another client at a transfer’s port hears that it is wrong, and the transfer goes on', async () => {
  const lab = tftpLab()
  read(lab, 'boot.bin')
  const [first] = await lab.look()
  const stranger = { ...CLIENT, address: CLIENT.address + 1 }
  const payload = encodeTftp({ kind: 'acknowledgment', block: 1 })
  lab.say({ destinationPort: first!.sourcePort, payload }, stranger)
  const packet = packetOf((await lab.look())[0])
  assert.ok(packet.kind === 'error' && packet.code === TFTP_ERROR.unknownTransfer)
  acknowledge(lab, first!, 1)
  assert.equal((await lab.look()).length, 1)
})

test('transfers of one station are bounded; closing ends all of them', async () => {
  const lab = tftpLab()
  for (let port = 1; port <= 20; port++) read(lab, 'boot.bin', {}, 'octet', port)
  assert.equal((await lab.look()).length, 8)
  assert.equal(lab.server.status().length, 8)
  lab.server.close()
  lab.clock.pass(100_000)
  assert.deepEqual([await lab.look(), lab.files.openFiles, lab.server.status()], [[], 0, []])
})
