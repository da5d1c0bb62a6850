import type { PagedStore } from './pages.ts'

/** Numbers that tables and sizes fail on: nothing, one, the ends of the integer kinds, and their neighbours. */
const EDGES = [0n, 1n, 2n, 0x7fn, 0x80n, 0xffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_fffen, 0xffff_ffffn]
const WIDE_EDGES = [...EDGES, 0x7fff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn, 1n << 53n, 1n << 40n, 1n << 62n]

export type Random = (limit: number) => number

/** Damages an image in one to four places, most of them among the ranges that its readers look at. */
export function mutate(
  store: PagedStore,
  structures: readonly { at: number; length: number }[],
  pick: Random,
): void {
  for (let count = 1 + pick(4); count > 0; count--) {
    const size = store.size()
    if (size === 0) return
    const range = structures[pick(structures.length)]
    const at = range !== undefined && pick(10) > 0 ? range.at + pick(Math.max(1, range.length)) : pick(size)
    damage(store, Math.min(at, size - 1), pick)
  }
}

function damage(store: PagedStore, at: number, pick: Random): void {
  const kind = pick(12)
  const room = store.size() - at
  if (kind < 3) flipBit(store, at, pick)
  else if (kind < 5) store.write(at, Uint8Array.of([0, 0xff, 0x80, 0x7f, pick(256)][pick(5)]!))
  else if (kind < 9 && room >= 8) writeNumber(store, at - (at % 4), pick)
  else if (kind === 9) copyRange(store, at, pick)
  else if (kind === 10)
    store.write(at, new Uint8Array(Math.min(room, 1 + pick(600))).fill(pick(2) === 0 ? 0 : 0xff))
  else if (kind === 11) store.truncate(pick(3) === 0 ? at + pick(100_000) : at)
}

function flipBit(store: PagedStore, at: number, pick: Random): void {
  const byte = new Uint8Array(1)
  store.read(at, byte)
  byte[0]! ^= 1 << pick(8)
  store.write(at, byte)
}

function writeNumber(store: PagedStore, at: number, pick: Random): void {
  const wide = pick(2) === 0
  const bytes = new Uint8Array(wide ? 8 : 4)
  const view = new DataView(bytes.buffer)
  const little = pick(2) === 0
  const edges = wide ? WIDE_EDGES : EDGES
  const value = pick(4) === 0 ? BigInt(pick(1 << 20)) : edges[pick(edges.length)]!
  if (wide) view.setBigUint64(0, value, little)
  else view.setUint32(0, Number(value), little)
  if (at + bytes.length <= store.size()) store.write(at, bytes)
}

/** One structure over another: a table that names itself, a header in a bitmap. */
function copyRange(store: PagedStore, at: number, pick: Random): void {
  const from = pick(store.size())
  const bytes = new Uint8Array(Math.min(512, store.size() - Math.max(at, from), 1 + pick(512)))
  if (bytes.length === 0) return
  store.read(from, bytes)
  store.write(at, bytes)
}
