import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MiB } from '../../../base/index.ts'
import { cases, randomBelow } from '../../../base/testing.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { createVhdx } from './create.ts'
import { type JournalEntry, rebuild, type SparseStore, sparseStore } from './testing.ts'

/**
 * Power failure, replayed, as for VHDs: a store records a random workload; the file is rebuilt as it may look after
 * a failure at any point, where what no flush of the store confirmed may be lost in any order, or be half there in
 * 512-byte sectors. Opened again, its log replayed, every sector must show what the last finished flush of the disk
 * promised, or something written to it since.
 *
 * Only sectors around the ends of blocks are used; a sector holds one value, so that its content is one number.
 */
const BLOCKS = 3
const NEAR = 8
const SIZE = BLOCKS * MiB
/** Guest offsets of the sectors in use: the first and the last ones of each block. */
const PLACES = Array.from({ length: BLOCKS * 2 * NEAR }, (_, index) => {
  const block = Math.floor(index / (2 * NEAR))
  const inBlock = index % (2 * NEAR)
  return block * MiB + (inBlock < NEAR ? inBlock * 512 : MiB - (2 * NEAR - inBlock) * 512)
})

interface Moment {
  /** How many journal entries there were. */
  readonly journal: number
  readonly possible: readonly ReadonlySet<number>[]
}

/** Writes, zeroes or discards runs of sectors, or whole blocks. Returns the promises with the time they held. */
function runWorkload(
  stores: readonly SparseStore[],
  before: Uint8Array,
  next: (limit: number) => number,
): Moment[] {
  const { journal } = stores[0]!
  const disk = openDiskChain(stores, [], { writable: true })
  const now = before.slice()
  let possible = [...now].map((value) => new Set([value]))
  const moments: Moment[] = []
  const note = () => moments.push({ journal: journal!.length, possible: possible.map((set) => new Set(set)) })
  for (let step = 0; step < 16; step++) {
    const whole = next(4) === 0
    const first = whole ? next(BLOCKS) * 2 * NEAR : next(PLACES.length)
    const room = NEAR - (first % NEAR)
    const count = whole ? 2 * NEAR : 1 + next(room)
    const at = PLACES[first]!
    const length = whole ? MiB : count * 512
    const value = next(3) === 0 ? 0 : 1 + next(255)
    for (let index = first; index < first + count; index++) possible[index]!.add(value)
    note() // the promise while the write is on its way
    if (value !== 0) disk.write(at, new Uint8Array(length).fill(value))
    else if (next(2) === 0) disk.discard(at, length)
    else disk.writeZeroes(at, length)
    readSectors(disk, now)
    note()
    if (next(3) > 0) continue
    disk.flush()
    note() // still the old promise: the flush may not have been answered
    possible = [...now].map((current) => new Set([current]))
    note()
  }
  if (next(2) === 0) disk.close()
  return moments
}

function readSectors(disk: ReturnType<typeof openDiskChain>, into: Uint8Array): void {
  const sector = new Uint8Array(512)
  for (const [index, at] of PLACES.entries()) {
    disk.read(at, sector)
    assert.ok(!sector.some((value) => value !== sector[0]), 'sectors are old or new, never mixed')
    into[index] = sector[0]!
  }
}

function contentOf(stores: readonly SparseStore[]): Uint8Array {
  const disk = openDiskChain(stores, [])
  const values = new Uint8Array(PLACES.length)
  readSectors(disk, values)
  disk.close()
  return values
}

function fresh(differencing: boolean, next: (limit: number) => number) {
  const base = sparseStore('base.vhdx')
  createVhdx(base, { type: 'dynamic', sizeBytes: SIZE, blockSize: MiB })
  const before = new Uint8Array(PLACES.length)
  if (!differencing) return { store: base, parents: [], before }
  const disk = openDiskChain([base], [], { writable: true })
  for (const [index, at] of PLACES.entries()) {
    if (next(3) === 0) continue
    before[index] = 1 + next(255)
    disk.write(at, new Uint8Array(512).fill(before[index]!))
  }
  disk.close()
  const { id, diskId } = readImage(base).facts
  const store = sparseStore('child.vhdx')
  const parent = { id: id!, diskId: diskId!, sectorSize: 512, absolutePath: '/base.vhdx' }
  createVhdx(store, { type: 'differencing', sizeBytes: SIZE, blockSize: MiB, parent })
  return { store, parents: [base], before }
}

function check(differencing: boolean, lossy: boolean): void {
  let replays = 0
  for (let seed = 1; seed <= cases(2, 8); seed++) {
    const next = randomBelow(seed * 7919 + (lossy ? 1 : 0))
    const { store, parents, before } = fresh(differencing, next)
    const initial = store.copy()
    const journal: JournalEntry[] = []
    store.journal = journal
    const moments = runWorkload([store, ...parents], before, next)
    for (let length = 1; length <= journal.length; length++) {
      if (next(3) > 0) continue
      // The promise in force is the latest that was made before this entry of the journal.
      const { possible } = moments.findLast((candidate) => candidate.journal < length) ?? moments[0]!
      const crashed = rebuild(initial, journal, length, lossy, next)
      const where = `seed ${seed}, after ${length} of ${journal.length}`
      const image = readImage(crashed)
      if (image.facts.problems.some(({ code }) => code === 'vhdx-log-not-replayed')) replays++
      assert.ok(!image.facts.problems.some(({ code }) => code === 'vhdx-log-without-entries'), where)
      assert.deepEqual(image.survey().problems, [], where)
      const found = contentOf([crashed, ...parents])
      for (const [sector, value] of found.entries())
        assert.ok(possible[sector]!.has(value), `${where}: sector ${sector} is ${value}`)
      if (length % 3 === 0) requireWritableAgain(crashed, parents, found, next)
    }
  }
  assert.ok(replays > cases(5, 20), `${replays} logs were replayed`)
}

/** After a failure the disk goes on: new writes hold, and leave all other sectors as they were found. */
function requireWritableAgain(
  store: SparseStore,
  parents: readonly SparseStore[],
  found: Uint8Array,
  next: (limit: number) => number,
): void {
  const disk = openDiskChain([store, ...parents], [], { writable: true })
  const expected = found.slice()
  for (let step = 0; step < 6; step++) {
    const sector = next(PLACES.length)
    expected[sector] = 1 + next(255)
    disk.write(PLACES[sector]!, new Uint8Array(512).fill(expected[sector]!))
  }
  disk.close()
  assert.deepEqual(contentOf([store, ...parents]), expected)
  assert.deepEqual(readImage(store).facts.problems, [], 'writing restores the headers and empties the log')
  assert.deepEqual(readImage(store).survey().problems, [])
}

for (const differencing of [false, true]) {
  const kind = differencing ? 'differencing' : 'dynamic'
  test(`a ${kind} disk is whole after every prefix of its writes, the last one torn`, () =>
    check(differencing, false))
  test(`a ${kind} disk keeps its promises when unconfirmed writes are lost in any order`, () =>
    check(differencing, true))
}

/** A disk whose process was killed after the log was written, before its changes were in their places. */
function killed(): { readonly store: SparseStore; readonly content: Uint8Array } {
  const store = sparseStore('killed.vhdx')
  createVhdx(store, { type: 'dynamic', sizeBytes: SIZE, blockSize: MiB })
  const initial = store.copy()
  const journal: JournalEntry[] = []
  store.journal = journal
  const disk = openDiskChain([store], [], { writable: true })
  for (const [index, at] of PLACES.entries()) disk.write(at, new Uint8Array(512).fill(index + 1))
  disk.flush()
  const content = contentOf([store])
  return { store: rebuild(initial, journal, journal.length - 1, false, () => 9), content }
}

test('reading replays the log in memory and changes nothing, writing replays it into the file', () => {
  const { store, content } = killed()
  const notReplayed = store.copy()
  notReplayed.write(65536, new Uint8Array(4096)) // without the headers that name the log
  notReplayed.write(131072, new Uint8Array(4096))
  assert.throws(() => readImage(notReplayed), { code: 'vhdx-headers-lost' })
  assert.equal(readImage(store).facts.problems[0]?.code, 'vhdx-log-not-replayed')
  store.journal = []
  assert.deepEqual(contentOf([store]), content)
  assert.deepEqual(store.journal, [])
  openDiskChain([store], [], { writable: true }).close()
  assert.deepEqual(readImage(store).facts.problems, [])
  assert.deepEqual(contentOf([store]), content)
})

test('a replay that is itself cut short is done again', () => {
  const { store, content } = killed()
  const initial = store.copy()
  const journal: JournalEntry[] = []
  store.journal = journal
  openDiskChain([store], [], { writable: true }).close()
  for (let length = 1; length <= journal.length; length++)
    for (const lossy of [false, true]) {
      const again = rebuild(initial, journal, length, lossy, randomBelow(length))
      assert.deepEqual(contentOf([again]), content)
    }
})

test('more changed metadata than one log entry takes, failing at any point', () => {
  // One sector in every 512 MiB: a page of the table and a page of a bitmap each, and entries of 20 bitmaps among
  // them. A block that is partly there must never be there without its bitmap.
  const sizeBytes = 80 * 1024 * MiB
  const places = Array.from({ length: 160 }, (_, index) => index * 512 * MiB + index * 512)
  const base = sparseStore('base.vhdx')
  createVhdx(base, { type: 'dynamic', sizeBytes, blockSize: MiB })
  const { id, diskId } = readImage(base).facts
  const child = sparseStore('child.vhdx')
  const parent = { id: id!, diskId: diskId!, sectorSize: 512, absolutePath: '/base.vhdx' }
  createVhdx(child, { type: 'differencing', sizeBytes, blockSize: MiB, parent })
  const initial = child.copy()
  const journal: JournalEntry[] = []
  child.journal = journal
  const disk = openDiskChain([child, base], [], { writable: true })
  for (const at of places) disk.write(at, new Uint8Array(512).fill(7))
  disk.flush()
  const logged = journal.filter((entry) => entry.kind === 'write' && entry.at >= MiB && entry.at < 2 * MiB)
  assert.ok(logged.length >= 3, `${logged.length} log entries`)
  const next = randomBelow(5)
  const sector = new Uint8Array(512)
  const check = (length: number, lossy: boolean) => {
    const crashed = rebuild(initial, journal, length, lossy, next)
    assert.deepEqual(readImage(crashed).survey().problems, [], `after ${length}`)
    const again = openDiskChain([crashed, base], [])
    for (const at of places) {
      again.read(at, sector)
      assert.ok(sector[0] === 7 || sector[0] === 0)
      assert.ok(!sector.some((value) => value !== sector[0]))
    }
  }
  for (let length = journal.indexOf(logged[0]!); length <= journal.length; length += 1 + next(40))
    check(length, next(2) === 0)
  // Just when an entry is there, and nothing says yet that what the one before changed is in its place.
  for (const entry of logged) for (let run = 0; run < 7; run++) check(journal.indexOf(entry) + 1, true)
})

test('closing loses nothing that was flushed, in whatever order its writes arrive', () => {
  const store = sparseStore('closed.vhdx')
  createVhdx(store, { type: 'dynamic', sizeBytes: SIZE, blockSize: MiB })
  const initial = store.copy()
  const journal: JournalEntry[] = []
  store.journal = journal
  const disk = openDiskChain([store], [], { writable: true })
  for (const [index, at] of PLACES.entries()) disk.write(at, new Uint8Array(512).fill(index + 1))
  disk.flush()
  const flushed = journal.length
  disk.close()
  const content = contentOf([store])
  for (let run = 0; run < cases(30, 100); run++) {
    const next = randomBelow(run)
    const length = flushed + next(journal.length - flushed + 1)
    assert.deepEqual(contentOf([rebuild(initial, journal, length, true, next)]), content)
  }
})

test('the room of a block that was given up is not used before that is flushed', () => {
  const store = sparseStore('given-up.vhdx')
  createVhdx(store, { type: 'dynamic', sizeBytes: SIZE, blockSize: MiB })
  const disk = openDiskChain([store], [], { writable: true })
  disk.write(0, new Uint8Array(MiB).fill(9))
  disk.flush()
  disk.writeZeroes(0, MiB)
  disk.write(MiB, new Uint8Array(MiB).fill(4))
  // Killed here.
  const into = new Uint8Array(MiB)
  openDiskChain([store], []).read(0, into)
  assert.ok(!into.some((value) => value !== 9))
})

test('bits that an earlier failure left behind do not hide the parent', () => {
  const { store, parents, before } = fresh(true, randomBelow(1))
  const disk = openDiskChain([store, ...parents], [], { writable: true })
  disk.write(0, new Uint8Array(512).fill(0x42))
  disk.close()
  // All bits of the chunk are set, and block 1 is not present: only its entry counts.
  const entry = new Uint8Array(8)
  store.read(3 * MiB + 4096 * 8, entry)
  const bitmapAt = (entry[2]! >>> 4) * MiB + entry[3]! * 16 * MiB
  store.write(bitmapAt + MiB / 512 / 8, new Uint8Array(MiB / 512 / 8).fill(0xff))
  const again = openDiskChain([store, ...parents], [], { writable: true })
  again.write(PLACES[2 * NEAR]!, new Uint8Array(512).fill(0x43))
  again.close()
  const expected = before.slice()
  expected[0] = 0x42
  expected[2 * NEAR] = 0x43
  assert.deepEqual(contentOf([store, ...parents]), expected)
})

test('the log goes around its end, failing at any point', () => {
  const store = sparseStore('around.vhdx')
  createVhdx(store, { type: 'dynamic', sizeBytes: 1024 * MiB, blockSize: MiB })
  const initial = store.copy()
  const journal: JournalEntry[] = []
  store.journal = journal
  const disk = openDiskChain([store], [], { writable: true })
  const flushed: number[] = []
  // Each round changes one or two pages of the table: 300 entries of two or three sectors go round the log of 256
  // sectors three times, and begin at every sector of it.
  for (let round = 0; round < 150; round++) {
    disk.write(0, new Uint8Array(512).fill(1 + (round % 255)))
    if (round % 3 === 0) disk.write((512 + round) * MiB, new Uint8Array(512).fill(1))
    disk.flush()
    flushed[journal.length] = 1 + (round % 255)
    disk.writeZeroes(0, MiB)
    disk.flush()
    flushed[journal.length] = 0
  }
  const next = randomBelow(11)
  const sector = new Uint8Array(512)
  let promised = 0
  let file = initial.copy()
  let replayed = 0
  for (let length = 20; length <= journal.length; length += 1 + next(cases(80, 20))) {
    promised = flushed.findLast((value, index) => value !== undefined && index <= length) ?? 0
    for (; replayed < Math.max(0, length - 40); replayed++) file = applied(file, journal[replayed]!)
    const crashed = rebuild(file, journal.slice(replayed), length - replayed, next(2) === 0, next)
    const { problems } = readImage(crashed).facts
    assert.ok(!problems.some(({ code }) => code === 'vhdx-log-without-entries'), `after ${length}`)
    const again = openDiskChain([crashed], [])
    again.read(0, sector)
    // What was written since the last flush may be there or not: a round writes one value and zeroes.
    const later = flushed.find((value, index) => value !== undefined && index > length)
    assert.ok([promised, later].includes(sector[0]), `after ${length}: ${sector[0]}, promised ${promised}`)
  }
})

function applied(store: SparseStore, entry: JournalEntry): SparseStore {
  if (entry.kind === 'write') store.write(entry.at, entry.bytes)
  if (entry.kind === 'truncate') store.truncate(entry.size)
  return store
}
