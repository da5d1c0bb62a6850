import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diskReportSchema } from '../../../api/report-schemas.ts'
import { MiB, VivariumError, viewOf } from '../../../base/index.ts'
import { cases, randomBelow } from '../../../base/testing.ts'
import { reportOnDisk } from '../../inspect.ts'
import { openDiskChain, probeFormat, readImage } from '../../open.ts'
import { checksumOf } from './crc32c.ts'
import { createVhdx, type NewVhdx } from './create.ts'
import { NO_GUID, randomGuid } from './guid.ts'
import { formatHeader, parseHeader } from './header.ts'
import { formatEntry } from './log-entry.ts'
import { type SparseStore, sparseStore } from './testing.ts'

const SIZE = 3 * MiB + 4096

function sample(type: NewVhdx['type'], parent?: SparseStore): SparseStore {
  const store = sparseStore(`${type}.vhdx`)
  const facts = parent && readImage(parent).facts
  const { id, diskId } = facts ?? {}
  const names = { absolutePath: '/disks/parent.vhdx', relativePath: '.\\parent.vhdx' }
  createVhdx(store, {
    type,
    sizeBytes: SIZE,
    blockSize: MiB,
    ...(facts && { parent: { id: id!, diskId: diskId!, sectorSize: 512, ...names } }),
  })
  const disk = openDiskChain(parent ? [store, parent] : [store], [], { writable: true })
  disk.write(MiB - 1024, new Uint8Array(2048).fill(0x55))
  disk.close()
  return store
}

const parent = sample('dynamic')
const samples = { fixed: sample('fixed'), dynamic: parent, differencing: sample('differencing', parent) }

/** The dynamic sample with a log that still has to be replayed. */
function withLog(): SparseStore {
  const store = samples.dynamic.copy()
  const bytes = new Uint8Array(4096)
  store.read(3 * MiB, bytes)
  const guid = randomGuid()
  const pages = [{ offset: 3 * MiB, bytes }]
  store.write(MiB, formatEntry({ guid, tail: 0, sequence: 1n, fileSize: store.size(), pages }))
  changeHeaders(store, { logGuid: guid })
  return store
}

function changeHeaders(store: SparseStore, change: Parameters<typeof Object.assign>[1]): void {
  for (const at of [65536, 131072]) {
    const bytes = new Uint8Array(4096)
    store.read(at, bytes)
    store.write(at, formatHeader({ ...parseHeader(bytes)!, ...change }))
  }
}

/** Everything one can do to a file. The only allowed outcomes: it works, or a VivariumError. */
function tryEverything(store: SparseStore): void {
  allowed(() => probeFormat(store))
  allowed(() => {
    const image = readImage(store)
    const openDisk = () => openDiskChain(image.facts.parent ? [store, parent] : [store], [])
    const base = { path: 'x.vhdx', fileSize: store.size(), image, chain: [], chainProblems: [] }
    diskReportSchema.parse(reportOnDisk({ ...base, openDisk }))
  })
  for (const writable of [false, true]) {
    allowed(() => {
      const needsParent = readImage(store).facts.parent !== undefined
      const disk = openDiskChain(needsParent ? [store, parent] : [store], [], { writable })
      const length = Math.min(disk.sizeBytes, 8192)
      allowed(() => disk.read(MiB - 4096, new Uint8Array(length)))
      allowed(() => disk.read(disk.sizeBytes - length, new Uint8Array(length)))
      allowed(() => [...disk.extents(0, Math.min(disk.sizeBytes, 64 * MiB))])
      if (writable) allowed(() => disk.write(2 * MiB, new Uint8Array(4096)))
      disk.close()
    })
  }
}

function allowed(action: () => unknown): void {
  try {
    action()
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
  }
}

/** Makes the checksums right again, so that what a change means is looked at and not only that it is there. */
function mendChecksums(store: SparseStore): void {
  for (const [at, length] of [
    [65536, 4096],
    [131072, 4096],
    [196608, 65536],
    [262144, 65536],
    [MiB, 8192],
  ] as const) {
    if (at + length > store.size()) continue
    const bytes = new Uint8Array(length)
    store.read(at, bytes)
    viewOf(bytes).setUint32(4, checksumOf(bytes, 4), true)
    store.write(at + 4, bytes.subarray(4, 8))
  }
}

/** Where the bytes are that mean something. */
const TARGETS: readonly (readonly [at: number, length: number])[] = [
  [0, 64],
  [65536, 80],
  [131072, 80],
  [196608, 80],
  [262144, 80],
  [MiB, 128],
  [MiB + 4096, 16],
  [2 * MiB, 256],
  [2 * MiB + 65536, 256],
  [3 * MiB, 64],
  [3 * MiB + 4096 * 8, 8],
]

for (const [kind, store] of Object.entries({ ...samples, logged: withLog() })) {
  test(`a ${kind} disk cut at any place is an error or still a disk`, () => {
    const next = randomBelow(3)
    const lengths = [
      0,
      7,
      8,
      65535,
      65536,
      69632,
      135168,
      262144,
      327680,
      MiB,
      2 * MiB,
      3 * MiB,
      4 * MiB,
      5 * MiB,
    ]
    for (const length of [...lengths, ...Array.from({ length: 40 }, () => next(store.size()))]) {
      const cut = store.copy()
      if (length < store.size()) cut.truncate(length)
      tryEverything(cut)
    }
  })

  test(`a ${kind} disk with any bytes changed is an error or still a disk`, () => {
    const next = randomBelow(12345)
    for (let run = 0; run < cases(40, 150); run++) {
      const changed = store.copy()
      for (let changes = 1 + next(3); changes > 0; changes--) {
        const [at, length] = TARGETS[next(TARGETS.length)]!
        changed.write(at + next(length), Uint8Array.of([0, 0xff, 0x80, next(256)][next(4)]!))
      }
      if (next(4) > 0) mendChecksums(changed)
      tryEverything(changed)
    }
  })
}

test('a damaged header is said, and restored by writing', () => {
  for (const at of [65536, 131072]) {
    const store = samples.dynamic.copy()
    store.write(at + 100, Uint8Array.of(1))
    assert.equal(readImage(store).facts.problems[0]?.code, 'vhdx-header-lost')
    const disk = openDiskChain([store], [], { writable: true })
    const into = new Uint8Array(1)
    disk.read(MiB, into)
    assert.equal(into[0], 0x55)
    disk.write(0, new Uint8Array(512))
    disk.close()
    assert.deepEqual(readImage(store).facts.problems, [])
  }
})

test('a damaged region table is said, two are an error', () => {
  const store = samples.dynamic.copy()
  store.write(196608 + 100, Uint8Array.of(1))
  assert.equal(readImage(store).facts.problems[0]?.code, 'vhdx-region-table-lost')
  store.write(262144 + 100, Uint8Array.of(1))
  assert.throws(() => readImage(store), { code: 'vhdx-region-tables-lost' })
})

test('what the file needs and nobody knows is refused, what it only has is not', () => {
  const region = samples.dynamic.copy()
  region.write(196608 + 8, Uint8Array.of(3))
  region.write(196608 + 16 + 64, new Uint8Array(16).fill(9))
  region.write(196608 + 16 + 64 + 16, Uint8Array.of(0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 1))
  mendChecksums(region)
  assert.throws(() => readImage(region), { code: 'vhdx-region-unknown', kind: 'unsupported' })
  region.write(196608 + 16 + 64 + 28, Uint8Array.of(0))
  mendChecksums(region)
  readImage(region)
  const item = samples.dynamic.copy()
  item.write(2 * MiB + 10, Uint8Array.of(6))
  item.write(2 * MiB + 32 + 5 * 32, new Uint8Array(16).fill(9))
  readImage(item)
  item.write(2 * MiB + 32 + 5 * 32 + 24, Uint8Array.of(4))
  assert.throws(() => readImage(item), { code: 'vhdx-metadata-unknown', kind: 'unsupported' })
})

test('a block outside the file, on top of another or in no known state is reported, and not written to', () => {
  const change = (bytes: number[], at = 3 * MiB) => {
    const store = samples.dynamic.copy()
    store.write(at, Uint8Array.from(bytes))
    return store
  }
  const entry = new Uint8Array(8)
  samples.dynamic.read(3 * MiB, entry)
  for (const [store, code] of [
    [change([6, 0, 0, 0, 1, 0, 0, 0]), 'vhdx-block-outside-file'],
    [change([...entry], 3 * MiB + 8), 'vhdx-blocks-overlap'],
    [change([6, 0, 0x30, 0, 0, 0, 0, 0]), 'vhdx-blocks-overlap'], // on the BAT itself
    [change([5, ...entry.subarray(1)]), 'vhdx-block-state'],
    [change([7, ...entry.subarray(1)]), 'vhdx-block-state'], // partly here, of a disk without a parent
  ] as const) {
    assert.equal(readImage(store).survey().problems[0]?.code, code)
    assert.throws(() => openDiskChain([store], [], { writable: true }), { code })
  }
  const child = samples.differencing.copy()
  child.write(3 * MiB + 4096 * 8, new Uint8Array(8))
  assert.equal(readImage(child).survey().problems[0]?.code, 'vhdx-bitmap-missing')
  assert.throws(() => openDiskChain([child, parent], []).read(0, new Uint8Array(MiB)), {
    code: 'vhdx-block-state',
  })
})

test('numbers that would need absurd memory are refused before it is taken', () => {
  const item = (index: number, bytes: number[]) => {
    const store = samples.dynamic.copy()
    const entry = new Uint8Array(4)
    store.read(2 * MiB + 32 + index * 32 + 16, entry)
    store.write(2 * MiB + viewOf(entry).getUint32(0, true), Uint8Array.from(bytes))
    return () => readImage(store).survey()
  }
  assert.throws(item(0, [0, 0, 8, 0]), { code: 'vhdx-block-size' })
  assert.throws(item(0, [0, 0, 0, 0x20]), { code: 'vhdx-block-size' })
  assert.throws(item(1, [0, 0, 0, 0, 0, 0, 0, 1]), { code: 'vhdx-size' })
  assert.throws(item(1, [0, 0, 0, 0, 0, 0x40, 0, 0]), { code: 'vhdx-bat-too-short' })
  assert.throws(item(3, [0, 8, 0, 0]), { code: 'vhdx-sector-size' })
})

test('a log that promises more than the file has is an error, one without entries a warning', () => {
  const short = withLog()
  short.truncate(short.size() - MiB)
  assert.throws(() => readImage(short), { code: 'vhdx-cut-short' })
  const empty = samples.dynamic.copy()
  changeHeaders(empty, { logGuid: randomGuid() })
  assert.equal(readImage(empty).facts.problems[0]?.code, 'vhdx-log-without-entries')
  openDiskChain([empty], [], { writable: true }).close()
  assert.deepEqual(readImage(empty).facts.problems, [])
})

test('a log may not write over the headers, nor behind the end of the file', () => {
  for (const offset of [65536, 2 ** 50]) {
    const store = samples.dynamic.copy()
    const guid = randomGuid()
    const pages = [{ offset, bytes: new Uint8Array(4096).fill(1) }]
    store.write(MiB, formatEntry({ guid, tail: 0, sequence: 1n, fileSize: store.size(), pages }))
    changeHeaders(store, { logGuid: guid })
    assert.throws(() => readImage(store), { code: 'vhdx-log-damaged' })
  }
})

test('a file without a log can be read, and is not written to', () => {
  const store = samples.dynamic.copy()
  changeHeaders(store, { logLength: 0, logOffset: 0, logGuid: NO_GUID })
  openDiskChain([store], []).read(0, new Uint8Array(512))
  assert.throws(() => openDiskChain([store], [], { writable: true }), { code: 'vhdx-no-log' })
})

test('parent_linkage2 is accepted as well as parent_linkage', () => {
  const store = samples.differencing.copy()
  const { id, otherIds } = readImage(store).facts.parent!
  assert.deepEqual([id, otherIds], [readImage(parent).facts.id, []])
  // The two values lie behind their keys in the order of their entries: exchange their offsets.
  const table = new Uint8Array(24)
  const entry = new Uint8Array(4)
  store.read(2 * MiB + 32 + 5 * 32 + 16, entry)
  const at = 2 * MiB + viewOf(entry).getUint32(0, true) + 20
  store.read(at, table)
  const [first, second] = [table.slice(4, 8), table.slice(16, 20)]
  store.write(at + 4, second)
  store.write(at + 16, first)
  openDiskChain([store, parent], []).read(0, new Uint8Array(512))
})

test('on a full host disk writes fail clearly, the file stays whole, and work goes on once there is room', () => {
  for (let room = 0; room < 30; room++) {
    const store = samples.dynamic.copy()
    let writesLeft = Number.POSITIVE_INFINITY
    const limited = <Args extends unknown[]>(action: (...args: Args) => void) => {
      return (...args: Args) => {
        if (writesLeft-- <= 0) throw new VivariumError('io', 'host-enospc', 'The disk is full.')
        action(...args)
      }
    }
    const full = { ...store, write: limited(store.write), truncate: limited(store.truncate) }
    const disk = openDiskChain([full], [], { writable: true })
    writesLeft = room
    const failed: number[] = []
    for (const at of [2 * MiB, 3 * MiB, 0, 2 * MiB + 8192]) {
      try {
        disk.write(at, new Uint8Array(4096).fill(7))
        disk.flush()
      } catch (error) {
        assert.equal((error as VivariumError).code, 'host-enospc')
        failed.push(at)
      }
    }
    assert.deepEqual(readImage(store).survey().problems, [], 'the file is whole while the host is full')
    writesLeft = Number.POSITIVE_INFINITY
    for (const at of failed) disk.write(at, new Uint8Array(4096).fill(7))
    disk.close()
    const again = openDiskChain([store], [])
    const into = new Uint8Array(1)
    for (const at of [2 * MiB, 3 * MiB, 0, 2 * MiB + 8192, 2 * MiB + 4096, MiB]) {
      again.read(at, into)
      assert.equal(into[0], at === 2 * MiB + 4096 ? 0 : at === MiB ? 0x55 : 7, `room ${room}, byte ${at}`)
    }
    assert.deepEqual(readImage(store).facts.problems, [])
  }
})
