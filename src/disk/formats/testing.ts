import type { ByteStore } from '../../base/index.ts'
import { cases, randomFrom } from '../../base/testing.ts'
import type { Disk } from '../disk.ts'
import { type MemoryStore, memoryStore } from '../testing.ts'

/** For the tests of formats: steps played on a disk and on a plain array, and power failures replayed. */

export interface Step {
  readonly do: 'write' | 'zeroes' | 'flush' | 'reopen'
  readonly at: number
  readonly length: number
  readonly value: number
}

/** Does the steps to the disk and to the model, and returns what the disk shows in the end. */
export function playSteps(open: () => Disk, model: Uint8Array, steps: readonly Step[]): Uint8Array {
  let disk = open()
  for (const step of steps) {
    const length = Math.min(step.length, model.length - step.at)
    if (step.do === 'write') {
      const data = new Uint8Array(length).map((_, index) => step.value + index)
      disk.write(step.at, data)
      model.set(data, step.at)
    } else if (step.do === 'zeroes') {
      disk.writeZeroes(step.at, length)
      model.fill(0, step.at, step.at + length)
    } else if (step.do === 'flush') disk.flush()
    else {
      disk.close()
      disk = open()
    }
  }
  disk.close()
  return contentOf(open())
}

export function contentOf(disk: Disk): Uint8Array {
  const all = new Uint8Array(disk.sizeBytes)
  disk.read(0, all)
  disk.close()
  return all
}

type Entry =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'punch'; readonly at: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly size: number }
  | { readonly kind: 'flush' }

/** Records everything that is done to a file, so that it can be rebuilt as it may be after a power failure. */
export interface Journal {
  readonly store: ByteStore
  readonly length: number
  /** After a failure behind `length` entries. `lossy`: what no flush confirmed may be lost, or be half there. */
  rebuild(length: number, lossy: boolean, next: () => number): MemoryStore
}

/** @param punches The host makes holes in the file. */
export function journalOf(initial: Uint8Array, name: string, punches = false): Journal {
  const live = memoryStore(initial, name)
  const entries: Entry[] = []
  const punch = (at: number, length: number) => {
    entries.push({ kind: 'punch', at, length })
    punchMemory(live, at, length)
  }
  const store: ByteStore = {
    ...live,
    ...(punches && { punch }),
    write(at, from) {
      entries.push({ kind: 'write', at, bytes: from.slice() })
      live.write(at, from)
    },
    truncate(size) {
      entries.push({ kind: 'truncate', size })
      live.truncate(size)
    },
    flush: () => void entries.push({ kind: 'flush' }),
  }
  return {
    store,
    get length() {
      return entries.length
    },
    rebuild(length, lossy, next) {
      const rebuilt = memoryStore(initial, name)
      const before = entries.slice(0, length)
      const confirmed = before.findLastIndex(({ kind }) => kind === 'flush')
      for (const [index, entry] of before.entries()) {
        const certain = index <= confirmed || (!lossy && index < length - 1)
        if (!certain && lossy && next() < 0.4) continue
        if (entry.kind === 'truncate') rebuilt.truncate(entry.size)
        if (entry.kind === 'punch') punchMemory(rebuilt, entry.at, entry.length)
        if (entry.kind === 'write') writeMaybeTorn(rebuilt, entry, !certain && next() < 0.3, next)
      }
      return rebuilt
    },
  }
}

/** A hole never makes a file longer. */
function punchMemory(store: MemoryStore, at: number, length: number): void {
  const inside = Math.min(length, store.size() - at)
  if (inside > 0) store.write(at, new Uint8Array(inside))
}

/**
 * A disk writes whole sectors at once, of 512 bytes or of 4 KiB; of a longer write that the power failed in, any of them
 * may be there.
 */
export function writeMaybeTorn(
  store: ByteStore,
  { at, bytes }: { readonly at: number; readonly bytes: Uint8Array },
  torn: boolean,
  next: () => number,
): void {
  if (!torn) store.write(at, bytes)
  const sectorBytes = next() < 0.5 ? 512 : 4096
  for (let start = 0; torn && start < bytes.length; ) {
    const end = Math.min(bytes.length, (Math.floor((at + start) / sectorBytes) + 1) * sectorBytes - at)
    if (next() < 0.5) store.write(at + start, bytes.subarray(start, end))
    start = end
  }
}

export interface CrashCase {
  /** The file before the workload. */
  readonly initial: Uint8Array
  /** Opens it for writing, over its parents. */
  readonly open: (store: ByteStore) => Disk
  /** Where the workload writes: sectors of the guest. */
  readonly sectors: number
  /** The host makes holes, and the guest discards: a discarded sector shows what it showed, or zeroes. */
  readonly punches?: boolean
  /** Looks at a file that was written to again after the failure. */
  readonly again?: (store: MemoryStore) => void
}

/**
 * Runs a random workload, each sector of one value; then opens the file as it may be after a failure at any point.
 * Every sector must show what the last finished flush promised, or something written to it since. `check` is
 * called with each rebuilt file. Returns a sentence about the first broken promise.
 */
export function replayCrashes(
  { initial, open, sectors, punches = false, again }: CrashCase,
  lossy: boolean,
  seed: number,
  check: (store: MemoryStore) => void,
): string | undefined {
  const next = randomFrom(seed)
  const journal = journalOf(initial, 'crash', punches)
  const before = sectorValues(open(memoryStore(initial)), sectors)
  const moments = runWorkload(open(journal.store), journal, before, { next, punches })
  for (let length = 1; length <= journal.length; length++) {
    if (lossy && next() < 0.5) continue
    const moment = moments.findLast((candidate) => candidate.journal < length) ?? moments[0]!
    const crashed = journal.rebuild(length, lossy, next)
    check(crashed)
    const found = sectorValues(open(crashed), sectors)
    for (const [sector, value] of found.entries())
      if (!moment.possible[sector]!.has(value))
        return `seed ${seed}, after ${length} of ${journal.length}: sector ${sector} is ${value}, possible ${[...moment.possible[sector]!]}`
    const broken = length % 3 === 0 ? writeAgain(crashed, open, found, next) : undefined
    if (broken !== undefined) return `seed ${seed}, after ${length}: ${broken}`
    if (length % 3 === 0) again?.(crashed)
  }
  return undefined
}

interface Moment {
  /** How many journal entries there were. */
  readonly journal: number
  readonly possible: readonly ReadonlySet<number>[]
}

function runWorkload(
  disk: Disk,
  journal: Journal,
  before: Uint8Array,
  { next, punches }: { readonly next: () => number; readonly punches: boolean },
): Moment[] {
  const now = before.slice()
  const discarded = new Uint8Array(now.length)
  const fixed = () => [...now].map((value, sector) => new Set(discarded[sector] === 1 ? [value, 0] : [value]))
  let possible = fixed()
  const moments: Moment[] = []
  const note = () => moments.push({ journal: journal.length, possible: possible.map((set) => new Set(set)) })
  for (let step = 0; step < 25; step++) {
    const sector = Math.floor(next() * before.length)
    const count = Math.min(before.length - sector, 1 + Math.floor(next() * 12))
    const discards = punches && next() < 0.2
    const value = discards || next() < 0.2 ? 0 : 1 + Math.floor(next() * 255)
    for (let i = sector; i < sector + count; i++) possible[i]!.add(value)
    note() // the promise while the write is on its way
    discarded.fill(discards ? 1 : 0, sector, sector + count)
    if (discards) {
      disk.discard(sector * 512, count * 512)
      continue
    }
    if (value === 0) disk.writeZeroes(sector * 512, count * 512)
    else disk.write(sector * 512, new Uint8Array(count * 512).fill(value))
    now.fill(value, sector, sector + count)
    if (next() >= 0.25) continue
    note()
    disk.flush()
    note() // still the old promise: the flush may not have been answered
    possible = fixed()
    note()
  }
  return moments
}

/** After a failure the disk goes on: new writes hold, and leave all other sectors as they were found. */
function writeAgain(
  store: MemoryStore,
  open: (store: ByteStore) => Disk,
  found: Uint8Array,
  next: () => number,
): string | undefined {
  const disk = open(store)
  const expected = found.slice()
  for (let step = 0; step < 6; step++) {
    const sector = Math.floor(next() * expected.length)
    expected[sector] = 1 + Math.floor(next() * 255)
    disk.write(sector * 512, new Uint8Array(512).fill(expected[sector]!))
  }
  disk.close()
  const after = sectorValues(open(store), expected.length)
  const wrong = after.findIndex((value, sector) => value !== expected[sector])
  return wrong === -1
    ? undefined
    : `written again, sector ${wrong} is ${after[wrong]}, not ${expected[wrong]}`
}

/** Each sector's one value; -1 would be a mixed one, which no sector may be. */
function sectorValues(disk: Disk, sectors: number): Uint8Array {
  const all = new Uint8Array(sectors * 512)
  disk.read(0, all)
  const values = new Uint8Array(sectors)
  for (let sector = 0; sector < sectors; sector++) {
    const bytes = all.subarray(sector * 512, sector * 512 + 512)
    values[sector] = bytes[0]!
    if (bytes.some((value) => value !== bytes[0])) throw new Error(`sector ${sector} is a mixture`)
  }
  return values
}

/** Outcomes that hostile bytes may have: it works, or the error is one of ours. */
export function damagedCopies(whole: Uint8Array, structures: readonly number[], runs: number): Uint8Array[] {
  const next = randomFrom(4711)
  const pick = (limit: number) => Math.floor(next() * limit)
  const copies: Uint8Array[] = []
  const cuts = cases(20, 60)
  for (let i = 0; i < cuts; i++) copies.push(whole.slice(0, Math.floor((whole.length * i) / cuts)))
  for (const place of structures)
    for (const length of [place - 1, place, place + 1]) copies.push(whole.slice(0, Math.max(0, length)))
  for (let run = 0; run < cases(Math.ceil(runs / 4), runs); run++) {
    const bytes = whole.slice()
    for (let changes = 1 + pick(3); changes > 0; changes--) {
      const start = next() < 0.8 ? structures[pick(structures.length)]! : pick(bytes.length)
      bytes[Math.min(bytes.length - 1, start + pick(96))] = [0, 0xff, 0x80, pick(256)][pick(4)]!
    }
    copies.push(bytes)
  }
  return copies
}
