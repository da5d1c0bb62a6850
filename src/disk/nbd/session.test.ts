import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asciiOf, toHex, VivariumError, viewOf } from '../../base/index.ts'
import { cases } from '../../base/testing.ts'
import { CMD, CMD_FLAG, FLAG, INFO, MAXIMUM_PAYLOAD, NBD_ERROR, OPT, REP } from './constants.ts'
import { NbdExport, type NbdFailure } from './export.ts'
import { NbdSession } from './session.ts'
import {
  converse,
  go,
  greeting,
  joined,
  MemoryDisk,
  metaContext,
  option,
  request,
  uint,
  write,
} from './testing.ts'

const MiB = 1024 * 1024
const pattern = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 7 + 1) & 0xff)

interface OptionReply {
  readonly option: number
  readonly type: number
  readonly data: Uint8Array
}

/** The server's side of the handshake without its 18 bytes of greeting. */
function optionReplies(answer: Uint8Array): OptionReply[] {
  const view = viewOf(answer)
  const replies: OptionReply[] = []
  for (let at = 18; at < answer.length; ) {
    assert.equal(view.getBigUint64(at), 0x3e889045565a9n)
    const length = view.getUint32(at + 16)
    const data = answer.subarray(at + 20, at + 20 + length)
    replies.push({ option: view.getUint32(at + 8), type: view.getUint32(at + 12), data })
    at += 20 + length
  }
  return replies
}

const haggle = (exports: readonly NbdExport[], ...options: readonly Uint8Array[]) => {
  const { answer, ended } = converse(new NbdSession(exports), joined(uint(32, 3), ...options))
  return { replies: optionReplies(answer), ended }
}

/** A session past its handshake. */
function connected(disk: MemoryDisk, structured: boolean, onFailure?: (failure: NbdFailure) => void) {
  const served = new NbdExport('disk', disk, onFailure ? { onFailure } : {})
  const session = new NbdSession([served])
  converse(session, greeting('disk', structured))
  return { session, served, ask: (...sent: Uint8Array[]) => converse(session, joined(...sent)).answer }
}

interface Chunk {
  readonly type: number
  readonly done: boolean
  readonly payload: Uint8Array
}

function chunksOf(answer: Uint8Array): Chunk[] {
  const view = viewOf(answer)
  const chunks: Chunk[] = []
  for (let at = 0; at < answer.length; ) {
    assert.equal(view.getUint32(at), 0x668e33ef)
    assert.equal(view.getBigUint64(at + 8), 7n, 'the cookie comes back')
    const length = view.getUint32(at + 16)
    const payload = answer.subarray(at + 20, at + 20 + length)
    chunks.push({ type: view.getUint16(at + 6), done: view.getUint16(at + 4) === 1, payload })
    at += 20 + length
  }
  return chunks
}

/** Simple replies without payload. */
function errnosOf(answer: Uint8Array): number[] {
  const view = viewOf(answer)
  const errnos: number[] = []
  for (let at = 0; at < answer.length; at += 16) {
    assert.equal(view.getUint32(at), 0x67446698)
    errnos.push(view.getUint32(at + 4))
  }
  return errnos
}

test('the server greets first: fixed newstyle, no zeroes', () => {
  const { answer } = converse(new NbdSession([]), new Uint8Array(0))
  assert.equal(toHex(answer), `${toHex(new TextEncoder().encode('NBDMAGICIHAVEOPT'))}0003`)
})

test('client flags that were not offered end the connection', () => {
  assert.ok(converse(new NbdSession([]), uint(32, 4)).ended)
})

test('LIST names every export', () => {
  const exports = ['ide0-0', 'ide0-1'].map((name) => new NbdExport(name, new MemoryDisk(MiB)))
  const { replies } = haggle(exports, option(OPT.list))
  assert.deepEqual(
    replies.map(({ type, data }) => [type, asciiOf(data.subarray(4))]),
    [
      [REP.server, 'ide0-0'],
      [REP.server, 'ide0-1'],
      [REP.ack, ''],
    ],
  )
})

test('GO answers with size, flags and the block sizes asked for', () => {
  const exports = [
    new NbdExport('a', new MemoryDisk(3 * MiB)),
    new NbdExport('b', new MemoryDisk(MiB, false)),
  ]
  const { replies } = haggle(exports, go('a', INFO.blockSize, INFO.name))
  assert.deepEqual(
    replies.map(({ type }) => type),
    [REP.info, REP.info, REP.info, REP.ack],
  )
  const facts = viewOf(replies[0]!.data)
  assert.equal(facts.getBigUint64(2), BigInt(3 * MiB))
  const flags = facts.getUint16(10)
  assert.ok(flags & FLAG.hasFlags && flags & FLAG.canMultiConn && flags & FLAG.sendTrim)
  assert.equal(flags & (FLAG.readOnly | FLAG.sendDf), 0, 'DF belongs to structured replies')
  assert.equal(asciiOf(replies[1]!.data.subarray(2)), 'a')
  const sizes = viewOf(replies[2]!.data)
  assert.deepEqual([sizes.getUint32(2), sizes.getUint32(6), sizes.getUint32(10)], [1, 4096, MAXIMUM_PAYLOAD])

  const readOnly = viewOf(haggle(exports, go('b')).replies[0]!.data).getUint16(10)
  assert.equal(readOnly & (FLAG.readOnly | FLAG.sendTrim | FLAG.sendWriteZeroes), FLAG.readOnly)
})

test('the empty name is the only export, and nothing when there are several', () => {
  const one = [new NbdExport('a', new MemoryDisk(MiB))]
  assert.equal(haggle(one, go('')).replies.at(-1)!.type, REP.ack)
  const two = [...one, new NbdExport('b', new MemoryDisk(MiB))]
  assert.equal(haggle(two, go('')).replies.at(-1)!.type, REP.unknown)
})

test('EXPORT_NAME answers without a reply header, with or without its 124 zeroes, or hangs up', () => {
  const exports = [new NbdExport('a', new MemoryDisk(MiB))]
  const named = (flags: number, name: string) =>
    converse(
      new NbdSession(exports),
      joined(uint(32, flags), option(OPT.exportName, new TextEncoder().encode(name))),
    )
  assert.equal(named(3, 'a').answer.length, 18 + 10)
  assert.equal(named(1, 'a').answer.length, 18 + 134)
  assert.ok(named(3, 'nobody').ended)
})

test('what is not offered is refused, and the haggling goes on', () => {
  const exports = [new NbdExport('a', new MemoryDisk(MiB))]
  const { replies, ended } = haggle(
    exports,
    option(OPT.startTls),
    option(4711),
    option(OPT.list, Uint8Array.of(1)),
    option(OPT.structuredReply, Uint8Array.of(1)),
    option(OPT.go, Uint8Array.of(0, 0)),
    metaContext(OPT.setMetaContext, 'a', 'base:allocation'),
    option(OPT.list, new Uint8Array(65 * 1024)),
    option(OPT.list),
    option(OPT.abort),
  )
  assert.deepEqual(
    replies.map(({ type }) => type),
    [
      REP.policy,
      REP.unsupported,
      REP.invalid,
      REP.invalid,
      REP.invalid,
      REP.invalid,
      REP.tooBig,
      REP.server,
      REP.ack,
      REP.ack,
    ],
  )
  assert.ok(ended)
})

test('base:allocation is listed by wildcard and set by its name', () => {
  const exports = [new NbdExport('a', new MemoryDisk(MiB))]
  const ask = (sent: Uint8Array) =>
    haggle(exports, option(OPT.structuredReply), sent)
      .replies.slice(1)
      .map(({ type, data }) => (type === REP.metaContext ? asciiOf(data.subarray(4)) : type))
  assert.deepEqual(ask(metaContext(OPT.listMetaContext, 'a')), ['base:allocation', REP.ack])
  assert.deepEqual(ask(metaContext(OPT.listMetaContext, 'a', 'base:')), ['base:allocation', REP.ack])
  assert.deepEqual(ask(metaContext(OPT.setMetaContext, 'a', 'base:')), [REP.ack])
  assert.deepEqual(ask(metaContext(OPT.setMetaContext, 'a', 'x:y', 'base:allocation')), [
    'base:allocation',
    REP.ack,
  ])
  assert.deepEqual(ask(metaContext(OPT.setMetaContext, 'z', 'base:allocation')), [REP.unknown])
})

test('simple replies: what was written is read back, wherever the stream was cut', () => {
  const data = pattern(10_000)
  const sent = joined(
    greeting('disk', false),
    write(123, data),
    request(CMD.read, 123, 10_000, { cookie: 9 }),
    request(CMD.flush, 0, 0),
  )
  const whole = converse(new NbdSession([new NbdExport('disk', new MemoryDisk(MiB))]), sent).answer
  assert.deepEqual(whole.subarray(whole.length - 16 - 10_000, whole.length - 16), data)
  for (const piece of [1, 2, 27, 28, 29, 4096, 9999]) {
    const session = new NbdSession([new NbdExport('disk', new MemoryDisk(MiB))])
    assert.deepEqual(converse(session, sent, piece).answer, whole)
  }
})

test('structured reads name their holes', () => {
  const disk = new MemoryDisk(MiB)
  const { ask } = connected(disk, true)
  disk.write(64 * 1024, pattern(8192))
  const chunks = chunksOf(ask(request(CMD.read, 0, 256 * 1024)))
  assert.deepEqual(
    chunks.map(({ type, done, payload }) => [
      type,
      done,
      Number(viewOf(payload).getBigUint64(0)),
      payload.length,
    ]),
    [
      [2, false, 0, 12],
      [1, false, 64 * 1024, 8 + 8192],
      [2, true, 72 * 1024, 12],
    ],
  )
  assert.deepEqual(chunks[1]!.payload.subarray(8), pattern(8192))
  assert.equal(viewOf(chunks[2]!.payload).getUint32(8), 184 * 1024)

  const unfragmented = chunksOf(ask(request(CMD.read, 0, 256 * 1024, { flags: CMD_FLAG.df })))
  assert.deepEqual(
    unfragmented.map(({ type, done, payload }) => [type, done, payload.length]),
    [[1, true, 8 + 256 * 1024]],
  )
  assert.deepEqual(
    chunksOf(ask(request(CMD.read, 0, 0))).map(({ type, done }) => [type, done]),
    [[0, true]],
  )
})

test('BLOCK_STATUS tells data from holes, one descriptor where one is asked for', () => {
  const disk = new MemoryDisk(MiB)
  const { ask } = connected(disk, true)
  disk.write(4096, pattern(8192))
  const runs = (sent: Uint8Array) => {
    const [chunk] = chunksOf(ask(sent))
    const view = viewOf(chunk!.payload)
    assert.equal(chunk!.type, 5)
    assert.equal(view.getUint32(0), 1)
    return Array.from({ length: (chunk!.payload.length - 4) / 8 }, (_, index) => [
      view.getUint32(4 + index * 8),
      view.getUint32(8 + index * 8),
    ])
  }
  assert.deepEqual(runs(request(CMD.blockStatus, 0, MiB)), [
    [4096, 3],
    [8192, 0],
    [MiB - 12288, 3],
  ])
  assert.deepEqual(runs(request(CMD.blockStatus, 512, MiB - 512, { flags: CMD_FLAG.reqOne })), [[3584, 3]])
  const simple = connected(disk, false)
  assert.deepEqual(errnosOf(simple.ask(request(CMD.blockStatus, 0, MiB))), [NBD_ERROR.inval])
})

test('FUA, flush and the unflushed mark', () => {
  const disk = new MemoryDisk(MiB)
  const { ask, served } = connected(disk, false)
  ask(write(0, pattern(512)))
  assert.deepEqual([served.unflushed, disk.flushes], [true, 0])
  ask(request(CMD.flush, 0, 0))
  assert.deepEqual([served.unflushed, disk.flushes], [false, 1])
  ask(write(0, pattern(512), CMD_FLAG.fua))
  assert.deepEqual([served.unflushed, disk.flushes], [false, 2])
})

test('TRIM and WRITE_ZEROES clear, with NO_HOLE by really writing; long ones give others a turn', () => {
  const disk = new MemoryDisk(130 * MiB)
  const { ask, session } = connected(disk, false)
  ask(write(0, pattern(16384)), request(CMD.trim, 0, 4096), request(CMD.writeZeroes, 4096, 4096))
  assert.deepEqual(
    [...disk.extents(0, 16384)].map(({ kind }) => kind),
    ['zero', 'zero', 'data', 'data'],
  )
  ask(request(CMD.writeZeroes, 0, 12288, { flags: CMD_FLAG.noHole }))
  assert.deepEqual(new Set([...disk.extents(0, 16384)].map(({ kind }) => kind)), new Set(['data']))
  const read = new Uint8Array(12288)
  disk.read(0, read)
  assert.ok(read.every((value) => value === 0))

  session.receive(request(CMD.writeZeroes, 512, 130 * MiB - 512))
  assert.deepEqual(
    [session.advance(), session.advance(), session.advance()],
    ['working', 'working', 'starved'],
  )
  assert.deepEqual([...disk.extents(4096, 4096)][0]!.kind, 'zero')
})

test('requests that cannot be are refused with the errno of the specification, and the connection lives', () => {
  const { ask } = connected(new MemoryDisk(MiB), false)
  const refused = (...sent: Uint8Array[]) => errnosOf(ask(...sent))
  assert.deepEqual(refused(request(CMD.read, MiB - 512, 1024)), [NBD_ERROR.inval])
  assert.deepEqual(refused(request(CMD.read, 2 ** 63, 512)), [NBD_ERROR.inval])
  assert.deepEqual(refused(request(CMD.read, 0, MAXIMUM_PAYLOAD + 1)), [NBD_ERROR.inval])
  assert.deepEqual(refused(request(CMD.read, 0, 512, { flags: CMD_FLAG.df })), [NBD_ERROR.inval])
  assert.deepEqual(refused(write(MiB - 512, pattern(1024))), [NBD_ERROR.nospc])
  assert.deepEqual(refused(request(CMD.writeZeroes, MiB, 1)), [NBD_ERROR.nospc])
  assert.deepEqual(refused(request(CMD.trim, MiB, 1)), [NBD_ERROR.inval])
  assert.deepEqual(refused(request(99, 0, 0)), [NBD_ERROR.inval])
  assert.deepEqual(refused(request(CMD.flush, 0, 0, { flags: 0x80 })), [NBD_ERROR.inval])
  assert.deepEqual(refused(request(CMD.cache, 0, MiB), write(0, pattern(512))), [0, 0])
})

test('a read-only export refuses every change', () => {
  const { ask } = connected(new MemoryDisk(MiB, false), false)
  const { perm } = NBD_ERROR
  const sent = [write(0, pattern(512)), request(CMD.trim, 0, 512), request(CMD.writeZeroes, 0, 512)]
  assert.deepEqual(errnosOf(ask(...sent)), [perm, perm, perm])
})

test('what the disk throws becomes an errno for the client and a report for people', () => {
  const disk = new MemoryDisk(MiB)
  const failures: NbdFailure[] = []
  const { ask } = connected(disk, true, (failure) => failures.push(failure))
  const errorOf = (sent: Uint8Array) => {
    const chunks = chunksOf(ask(sent))
    assert.equal(chunks.length, 1)
    assert.deepEqual([chunks[0]!.type, chunks[0]!.done], [0x8001, true])
    return [viewOf(chunks[0]!.payload).getUint32(0), asciiOf(chunks[0]!.payload.subarray(6))]
  }
  disk.failure = new VivariumError('io', 'host-enospc', 'The disk is full.')
  assert.deepEqual(errorOf(write(4096, pattern(512))), [NBD_ERROR.nospc, 'The disk is full.'])
  disk.failure = new VivariumError('denied', 'host-eacces', 'No.')
  assert.deepEqual(errorOf(request(CMD.trim, 0, 512)), [NBD_ERROR.perm, 'No.'])
  disk.failure = new TypeError('oops')
  assert.equal(errorOf(request(CMD.read, 0, 4096))[0], NBD_ERROR.io)
  assert.equal(errorOf(request(CMD.read, 0, 65536))[0], NBD_ERROR.io)
  assert.equal(errorOf(request(CMD.flush, 0, 0))[0], NBD_ERROR.io)
  assert.deepEqual(
    failures.map(({ request: name, offset, length, error }) => [name, offset, length, error.code]),
    [
      ['write', 4096, 512, 'host-enospc'],
      ['trim', 0, 512, 'host-eacces'],
      ['read', 0, 4096, 'disk-failed'],
      ['read', 0, 65536, 'disk-failed'],
      ['flush', 0, 0, 'disk-failed'],
    ],
  )
})

test('DISC, a wrong magic and an endless write end the connection', () => {
  const end = (sent: Uint8Array) => {
    const session = new NbdSession([new NbdExport('disk', new MemoryDisk(MiB))])
    return converse(session, joined(greeting('disk', false), sent)).ended
  }
  assert.ok(end(request(CMD.disconnect, 0, 0)))
  assert.ok(end(new Uint8Array(28)))
  assert.ok(end(request(CMD.write, 0, MAXIMUM_PAYLOAD + 1)))
  assert.ok(!end(request(CMD.flush, 0, 0)))
})

test('many large reads in one chunk wait for the client to take the answers', () => {
  const { session } = connected(new MemoryDisk(4 * MiB), false)
  session.receive(joined(...Array.from({ length: 500 }, () => request(CMD.read, 0, MiB))))
  let served = 0
  for (;;) {
    const outcome = session.advance()
    assert.ok(session.replies.pendingBytes <= 2 * MiB + 16)
    for (let page = session.replies.take(); page; page = session.replies.take()) {
      served += page.used
      session.replies.release(page)
    }
    if (outcome === 'starved') break
    assert.equal(outcome, 'output-full')
  }
  assert.equal(served, 500 * (MiB + 16))
})

test('hostile clients: any bytes, in any pieces, are answered or cut off, and nothing is thrown', () => {
  const valid = joined(
    greeting('disk', true),
    write(0, pattern(600)),
    request(CMD.read, 0, 40_000),
    request(CMD.blockStatus, 0, 65536),
    request(CMD.writeZeroes, 0, 4096),
    request(CMD.disconnect, 0, 0),
  )
  const run = (sent: Uint8Array, piece: number) => {
    const session = new NbdSession([new NbdExport('disk', new MemoryDisk(65536))])
    converse(session, sent, piece)
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 64 }), run), {
    numRuns: cases(60, 300),
  })
  const mutation = fc.tuple(fc.nat(valid.length - 1), fc.nat(255))
  fc.assert(
    fc.property(
      fc.array(mutation, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 2000 }),
      (edits, piece) => {
        const sent = valid.slice()
        for (const [at, value] of edits) sent[at] = value
        run(sent, piece)
      },
    ),
    { numRuns: cases(100, 500) },
  )
  for (let end = 0; end < valid.length; end++) run(valid.slice(0, end), 37)
})

/** A server that requires TLS, and what it answers up to the moment when the transport is to be secured. */
function behindTls(...sent: Uint8Array[]) {
  const session = new NbdSession([new NbdExport('disk', new MemoryDisk(MiB))], { requireTls: true })
  session.receive(joined(uint(32, 3), ...sent))
  const outcome = session.advance()
  const parts: Uint8Array[] = []
  for (let page = session.replies.take(); page !== undefined; page = session.replies.take())
    parts.push(page.bytes.slice(0, page.used))
  return { session, outcome, types: optionReplies(joined(...parts)).map(({ type }) => type) }
}

test('where TLS is required, nothing is told and nothing agreed on without it', () => {
  const { outcome, types } = behindTls(
    option(OPT.list),
    option(OPT.structuredReply),
    metaContext(OPT.setMetaContext, 'disk', 'base:allocation'),
    go('disk'),
    option(77),
  )
  assert.equal(outcome, 'starved')
  assert.deepEqual(types, Array(5).fill(REP.tlsRequired))
  assert.deepEqual(behindTls(option(OPT.abort)).types, [REP.ack])
  const named = behindTls(option(OPT.exportName, new TextEncoder().encode('disk')))
  assert.deepEqual([named.outcome, named.types], ['ended', []])
})

test('after STARTTLS the transport is secured, and the haggling starts anew', () => {
  const { session, outcome, types } = behindTls(option(OPT.startTls))
  assert.deepEqual([outcome, types], ['start-tls', [REP.ack]])
  session.secured()
  const { answer } = converse(
    session,
    joined(option(OPT.startTls), metaContext(OPT.setMetaContext, 'disk', 'base:allocation'), go('disk')),
  )
  const replies = optionReplies(joined(new Uint8Array(18), answer)).map(({ type }) => type)
  assert.deepEqual(
    replies,
    [REP.invalid, REP.invalid, REP.info, REP.ack],
    'structured replies are to be asked for',
  )
})

test('what follows STARTTLS in the clear is never taken for what was sent over TLS', () => {
  assert.equal(behindTls(joined(option(OPT.startTls), go('disk'))).outcome, 'ended')
  assert.equal(behindTls(joined(option(OPT.startTls), Uint8Array.of(0x49))).outcome, 'ended')
  const { session } = behindTls(option(OPT.startTls))
  session.receive(go('disk'))
  session.secured()
  session.receive(go('disk'))
  assert.equal(session.advance(), 'ended')
})

test('STARTTLS is refused where there is none, and where it has data', () => {
  const plain = haggle([new NbdExport('a', new MemoryDisk(MiB))], option(OPT.startTls))
  assert.deepEqual(
    plain.replies.map(({ type }) => type),
    [REP.policy],
  )
  assert.deepEqual(behindTls(option(OPT.startTls, Uint8Array.of(1))).types, [REP.invalid])
})

test('FAST_ZERO does what costs nothing, and says at once that the rest would', () => {
  const disk = new MemoryDisk(MiB)
  disk.write(8192, pattern(4096))
  const { ask } = connected(disk, false)
  const zero = (offset: number, length: number, flags: number) =>
    request(CMD.writeZeroes, offset, length, { flags: flags | CMD_FLAG.fastZero })
  const answers = ask(zero(0, 8192, 0), zero(0, 8192, CMD_FLAG.noHole), zero(4096, 8192, 0), zero(0, 0, 0))
  assert.deepEqual(errnosOf(answers), [0, NBD_ERROR.notsup, NBD_ERROR.notsup, 0])
  const kept = new Uint8Array(4096)
  disk.read(8192, kept)
  assert.deepEqual(kept, pattern(4096))
})

test('a session is idle only between two requests', () => {
  const { session } = connected(new MemoryDisk(MiB), false)
  assert.ok(session.idle && session.chosen?.name === 'disk')
  const sent = write(0, pattern(4096))
  converse(session, sent.slice(0, 20))
  assert.ok(!session.idle)
  converse(session, sent.slice(20, 3000))
  assert.ok(!session.idle)
  converse(session, sent.slice(3000))
  assert.ok(session.idle)
  assert.ok(!new NbdSession([]).idle, 'a handshake that is not ended is something begun')
})
