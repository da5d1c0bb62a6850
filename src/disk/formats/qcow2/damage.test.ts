import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { diskReportSchema } from '../../../api/report-schemas.ts'
import { VivariumError } from '../../../base/index.ts'
import { cases, randomBelow } from '../../../base/testing.ts'
import { reportOnDisk } from '../../inspect.ts'
import { openDiskChain, probeFormat, readImage } from '../../open.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { createQcow2 } from './create.ts'
import type { NewQcow2 } from './new-image.ts'
import { packClusters, takeSnapshot } from './testing.ts'

const CLUSTER = 1024
const SIZE = 64 * CLUSTER
const deflate = (bytes: Uint8Array) => deflateRawSync(bytes, { windowBits: 12 })

function sample(options: Partial<NewQcow2> = {}, parent?: MemoryStore): MemoryStore {
  const store = memoryStore(undefined, 'sample.qcow2')
  createQcow2(store, { sizeBytes: SIZE, clusterSize: CLUSTER, ...options })
  const disk = openDiskChain(parent ? [store, parent] : [store], [], { writable: true })
  disk.write(1024, new Uint8Array(9 * CLUSTER).fill(0x55))
  disk.writeZeroes(4 * CLUSTER, 2 * CLUSTER)
  disk.close()
  return store
}

const parent = sample()
const samples = {
  plain: sample({ version: 2 }),
  overlay: sample({ backing: { path: 'parent.qcow2', format: 'qcow2' } }, parent),
  snapshot: sample(),
  compressed: sample({ refcountBits: 4 }),
}
takeSnapshot(samples.snapshot)
packClusters(samples.compressed, [1, 2, 7, 8], deflate)

/** Everything one can do to a file. The only allowed outcomes: it works, or a VivariumError. */
function tryEverything(store: MemoryStore): void {
  allowed(() => probeFormat(store))
  const open = (writable: boolean) => {
    const needsParent = readImage(store, AS_QCOW2).facts.parent !== undefined
    return openDiskChain(needsParent ? [store, parent] : [store], [AS_QCOW2], { writable })
  }
  allowed(() => {
    const image = readImage(store, AS_QCOW2)
    const base = { path: 'x.qcow2', fileSize: store.size(), image, chain: [], chainProblems: [] }
    diskReportSchema.parse(reportOnDisk({ ...base, openDisk: () => open(false) }))
  })
  for (const writable of [false, true]) {
    allowed(() => {
      const disk = open(writable)
      const length = Math.min(disk.sizeBytes, 16 * CLUSTER)
      allowed(() => disk.read(0, new Uint8Array(length)))
      allowed(() => disk.read(disk.sizeBytes - length, new Uint8Array(length)))
      allowed(() => [...disk.extents(0, length)])
      if (writable) {
        allowed(() => disk.write(0, new Uint8Array(3 * CLUSTER)))
        allowed(() => disk.writeZeroes(3 * CLUSTER, 2 * CLUSTER))
        allowed(() => disk.write(disk.sizeBytes - 512, new Uint8Array(512)))
      }
      disk.close()
    })
  }
}

const AS_QCOW2 = { format: 'qcow2' }

function allowed(action: () => unknown): void {
  try {
    action()
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
  }
}

for (const [name, store] of Object.entries(samples)) {
  test(`a ${name} image cut at any place is an error or still a disk`, () => {
    const whole = store.bytes()
    const structures = [0, 1, 7, 8, 71, 72, 103, 104, 111, 112, 511, 512, 1023, 1024, 1025, 2048, 3072, 4096]
    for (const length of [
      ...structures,
      ...Array.from({ length: 60 }, (_, i) => Math.floor((whole.length * i) / 60)),
    ])
      tryEverything(memoryStore(whole.subarray(0, length)))
  })

  test(`a ${name} image with any bytes changed is an error or still a disk`, () => {
    const whole = store.bytes()
    const next = randomBelow(12345)
    // Most changes go where the structures are: the header, and the first bytes of each table.
    const place = () =>
      next(10) < 4 ? next(160) : next(whole.length / CLUSTER) * CLUSTER + next(next(2) ? 64 : CLUSTER)
    for (let run = 0; run < cases(300, 1500); run++) {
      const bytes = whole.slice()
      for (let changes = 1 + next(3); changes > 0; changes--)
        bytes[place()] = [0, 0xff, 0x80, next(256)][next(4)]!
      tryEverything(memoryStore(bytes))
    }
  })
}

/** The sample with a number put somewhere. */
function changed(store: MemoryStore, at: number, value: number, bytes: 4 | 8 = 8): MemoryStore {
  const copy = memoryStore(store.bytes())
  const field = new DataView(new ArrayBuffer(bytes))
  if (bytes === 4) field.setUint32(0, value)
  else field.setBigUint64(0, BigInt(value))
  copy.write(at, new Uint8Array(field.buffer))
  return copy
}

test('numbers that would need absurd memory are refused before it is taken', () => {
  const read = (at: number, value: number, bytes: 4 | 8 = 8) => {
    return () => readImage(changed(samples.snapshot, at, value, bytes), AS_QCOW2)
  }
  assert.throws(read(20, 40, 4), { code: 'qcow2-cluster-size' })
  assert.throws(read(20, 8, 4), { code: 'qcow2-cluster-size' })
  assert.throws(read(24, 2 ** 50), { code: 'qcow2-l1-too-large' })
  assert.throws(read(24, 2 ** 30), { code: 'qcow2-l1-too-short' })
  assert.throws(read(24, 0), { code: 'qcow2-size-zero' })
  assert.throws(read(36, 0xffff_ffff, 4), { code: 'qcow2-l1-too-large' })
  assert.throws(read(40, 2 ** 40), { code: 'qcow2-l1-outside-file' })
  assert.throws(read(40, 1000), { code: 'qcow2-l1-misplaced' })
  assert.throws(read(96, 7, 4), { code: 'qcow2-refcount-width' })
  assert.throws(read(100, 50_000, 4), { code: 'qcow2-header-length' })
  for (const [at, value, code, bytes] of [
    [56, 0xffff_ffff, 'qcow2-refcounts-outside-file', 4],
    [60, 0xffff_ffff, 'qcow2-snapshots-damaged', 4],
    [64, 2 ** 40, 'qcow2-snapshots-damaged', 8],
  ] as const) {
    const store = changed(samples.snapshot, at, value, bytes)
    const { facts, survey } = readImage(store)
    assert.ok([...facts.problems, ...survey().problems].some((problem) => problem.code === code))
    assert.throws(() => openDiskChain([store], [], { writable: true }), { code })
    openDiskChain([store], []).read(0, new Uint8Array(SIZE))
  }
})

test('a guest cluster that lies on a table is reported, and never written', () => {
  const l1 = Number(new DataView(samples.plain.bytes().buffer).getBigUint64(40))
  const l2 = Number(new DataView(samples.plain.bytes().buffer).getBigUint64(l1) & 0xff_ffff_ffffn)
  for (const table of [0, CLUSTER, l1, l2]) {
    const store = changed(samples.plain, l2 + 8, 0)
    store.write(l2 + 8, new Uint8Array([0x80, 0, 0, 0, 0, 0, table >> 8, table & 0xff]))
    if (table !== 0)
      assert.ok(
        readImage(store)
          .survey()
          .problems.some(({ code }) => code === 'qcow2-refcount-too-low'),
      )
    allowed(() => {
      const disk = openDiskChain([store], [], { writable: true })
      disk.write(CLUSTER, new Uint8Array(CLUSTER).fill(0xaa))
      disk.close()
    })
    assert.ok(
      !store
        .bytes()
        .subarray(table, table + CLUSTER)
        .every((value) => value === 0xaa),
      `the table at ${table} is untouched`,
    )
  }
})

test('a refcount that is too low is reported, and keeps the image from being written', () => {
  const store = changed(samples.plain, 2 * CLUSTER + 8, 0)
  assert.equal(readImage(store).survey().problems[0]?.code, 'qcow2-refcount-too-low')
  assert.throws(() => openDiskChain([store], [], { writable: true }), { code: 'qcow2-refcount-too-low' })
  openDiskChain([store], []).read(0, new Uint8Array(SIZE))
})

test('marks of other programs are said, and respected', () => {
  const marked = (at: number, bit: number) => changed(samples.snapshot, at, 2 ** bit)
  for (const [bit, code] of [
    [0, 'qcow2-marked-dirty'],
    [1, 'qcow2-marked-corrupt'],
  ] as const) {
    const store = marked(72, bit)
    assert.equal(readImage(store).facts.problems[0]?.code, code)
    openDiskChain([store], []).read(0, new Uint8Array(SIZE))
    assert.throws(() => openDiskChain([store], [], { writable: true }), { code })
  }
  assert.throws(() => readImage(marked(72, 2)), { code: 'qcow2-external-data' })
  assert.throws(() => readImage(marked(72, 4)), { code: 'qcow2-extended-l2' })
  assert.throws(() => readImage(marked(72, 40)), { code: 'qcow2-feature-unknown', message: /bit 40/ })
  assert.throws(() => readImage(changed(samples.plain, 32, 2, 4)), {
    code: 'qcow2-encrypted',
    message: /LUKS/,
  })
  assert.throws(() => readImage(changed(samples.plain, 4, 4, 4), AS_QCOW2), { code: 'qcow2-version' })
  const compatible = marked(80, 5)
  openDiskChain([compatible], [], { writable: true }).close()
  const autoclear = marked(88, 7)
  const disk = openDiskChain([autoclear], [], { writable: true })
  disk.write(0, new Uint8Array(512))
  disk.close()
  assert.deepEqual(autoclear.bytes().subarray(88, 96), new Uint8Array(8))
})

test('an unknown feature is refused by its name', () => {
  const store = changed(samples.snapshot, 72, 2 ** 33)
  const table = new Uint8Array(8 + 48)
  new DataView(table.buffer).setUint32(0, 0x6803_f857)
  new DataView(table.buffer).setUint32(4, 48)
  table.set([0, 33], 8)
  table.set(new TextEncoder().encode('time travel'), 10)
  store.write(112, table)
  assert.throws(() => readImage(store), { message: /"time travel" \(bit 33\)/ })
})

test('a damaged compressed cluster is an error, and its neighbours are read', () => {
  const store = memoryStore(samples.compressed.bytes())
  const start = store.size() - CLUSTER
  store.write(start, new Uint8Array(8).fill(0xff))
  const disk = openDiskChain([store], [])
  assert.throws(() => disk.read(CLUSTER, new Uint8Array(512)), { code: 'qcow2-compressed-damaged' })
  const into = new Uint8Array(512)
  disk.read(7 * CLUSTER, into)
  assert.equal(into[0], 0x55)
})
