import { type ByteStore, VivariumError, viewOf } from '../../../base/index.ts'
import { CleanPieces } from '../../clean-pieces.ts'
import { SECTOR } from '../../format.ts'
import { NEXT_CHECK } from '../../next-steps.ts'
import type { SparseLayout } from './sparse-header.ts'

/**
 * Grain directory and grain tables: the directory points at the tables, a table at its grains, all in sectors of
 * 32 bits, little-endian. Most extents hold everything twice (the "redundant" copies); both are kept alike. The
 * directory is in memory, of the tables only those in use: a full disk of 2 TB has 128 MiB of them.
 */
export const GRAIN_ABSENT = 0
/** Reads as zero, whatever a parent shows; only where the header's flag says so. */
export const GRAIN_ZERO = 1

export class GrainTables {
  readonly #store: ByteStore
  readonly #layout: SparseLayout
  readonly #directory: Uint32Array
  readonly #redundant: Uint32Array | undefined
  readonly #clean = new CleanPieces<Uint32Array>()
  /** They stay until they are written. */
  readonly #changed = new Map<number, Uint32Array>()
  /** Made since the last flush: the directory in the file does not point at them yet. */
  readonly #new = new Set<number>()
  /** The last table asked for, which the next question is most often about. */
  #lastIndex = -1
  #last: Uint32Array | undefined

  constructor(store: ByteStore, layout: SparseLayout, directories: Directories) {
    this.#store = store
    this.#layout = layout
    this.#directory = directories.primary
    this.#redundant = directories.redundant
  }

  entry(grain: number): number {
    const index = Math.floor(grain / this.#layout.entriesPerTable)
    const table = index === this.#lastIndex ? this.#last : this.#table(index)
    return table === undefined ? GRAIN_ABSENT : table[grain - index * this.#layout.entriesPerTable]!
  }

  /** The first grain behind `grain` that another table answers for. */
  endOfTable(grain: number): number {
    const { entriesPerTable } = this.#layout
    return (Math.floor(grain / entriesPerTable) + 1) * entriesPerTable
  }

  /** `undefined` when there is no table: all of its grains are absent. */
  #table(index: number): Uint32Array | undefined {
    const table = this.#changed.get(index) ?? this.#clean.get(index) ?? this.#load(index)
    this.#lastIndex = index
    this.#last = table
    return table
  }

  #load(index: number): Uint32Array | undefined {
    const sector = this.#directory[index]!
    if (sector === 0) return undefined
    const table = readTable(this.#store, this.#layout, sector)
    this.#clean.keep(index, table, table.byteLength)
    return table
  }

  /** Changes an entry in memory. `allocate` finds room for a table where there was none; sectors. */
  set(grain: number, value: number, allocate: (bytes: number) => number): void {
    const { entriesPerTable } = this.#layout
    const index = Math.floor(grain / entriesPerTable)
    const table = this.#table(index) ?? this.#create(index, allocate)
    table[grain - index * entriesPerTable] = value
    this.#clean.delete(index)
    this.#changed.set(index, table)
  }

  #create(index: number, allocate: (bytes: number) => number): Uint32Array {
    const bytes = tableBytes(this.#layout)
    const copies = this.#redundant === undefined ? 1 : 2
    const at = allocate(bytes * copies)
    this.#directory[index] = at
    if (this.#redundant !== undefined) this.#redundant[index] = at + bytes / SECTOR
    const table = new Uint32Array(this.#layout.entriesPerTable)
    this.#new.add(index)
    this.#changed.set(index, table)
    this.#lastIndex = index
    this.#last = table
    return table
  }

  get changedTables(): number {
    return this.#changed.size
  }

  /** Tables that nothing in the file points at: they may be written together with the data. */
  writeNew(): void {
    for (const index of this.#new) this.#writeTable(index)
  }

  /** What makes the data visible: entries of older tables, and the directory's of new ones. */
  writeChanged(): void {
    for (const index of this.#changed.keys()) if (!this.#new.has(index)) this.#writeTable(index)
    for (const index of this.#new) this.#writeDirectoryEntry(index)
    this.#new.clear()
    for (const [index, table] of this.#changed) this.#clean.keep(index, table, table.byteLength)
    this.#changed.clear()
  }

  /** Gives up what is in memory. */
  close(): void {
    this.#clean.clear()
  }

  #writeTable(index: number): void {
    const bytes = u32Bytes(this.#changed.get(index)!)
    this.#store.write(this.#directory[index]! * SECTOR, bytes)
    const copy = this.#redundant?.[index] ?? 0
    if (copy !== 0 && copy !== this.#directory[index]) this.#store.write(copy * SECTOR, bytes)
  }

  #writeDirectoryEntry(index: number): void {
    const { directoryAt, redundantAt } = this.#layout
    this.#store.write(directoryAt + index * 4, u32Bytes(this.#directory.subarray(index, index + 1)))
    if (this.#redundant !== undefined && redundantAt !== undefined)
      this.#store.write(redundantAt + index * 4, u32Bytes(this.#redundant.subarray(index, index + 1)))
  }
}

export interface Directories {
  readonly primary: Uint32Array
  readonly redundant: Uint32Array | undefined
  /** Entries of the primary directory that point outside the file, where the copy had to stand in. */
  readonly repaired: number
}

/** Bytes of one table in the file: whole sectors. */
export function tableBytes({ entriesPerTable }: SparseLayout): number {
  return Math.ceil((entriesPerTable * 4) / SECTOR) * SECTOR
}

/** Reads both directories; where only the copy can be right, it is used. */
export function readDirectories(store: ByteStore, layout: SparseLayout): Directories {
  const { tables, directoryAt, redundantAt } = layout
  const primary = readU32s(store, directoryAt, tables)
  const redundant = redundantAt === undefined ? undefined : readU32s(store, redundantAt, tables)
  const fileSize = store.size()
  let repaired = 0
  for (let index = 0; index < tables; index++) {
    if (isTableInside(layout, primary[index]!, fileSize)) continue
    const copy = redundant?.[index] ?? 0
    if (copy === 0 || !isTableInside(layout, copy, fileSize)) continue
    primary[index] = copy
    repaired++
  }
  return { primary, redundant, repaired }
}

export function isTableInside(layout: SparseLayout, sector: number, fileSize: number): boolean {
  return sector === 0 || sector * SECTOR + layout.entriesPerTable * 4 <= fileSize
}

export function readTable(store: ByteStore, layout: SparseLayout, sector: number): Uint32Array {
  if (isTableInside(layout, sector, store.size()))
    return readU32s(store, sector * SECTOR, layout.entriesPerTable)
  throw new VivariumError(
    'corrupt',
    'vmdk-table-outside-file',
    `A grain table should lie at sector ${sector}, which is not within the file.`,
    {
      where: { path: store.name, offset: layout.directoryAt, field: 'grain directory' },
      next: NEXT_CHECK,
    },
  )
}

function readU32s(store: ByteStore, at: number, count: number): Uint32Array {
  const values = new Uint32Array(count)
  const bytes = new Uint8Array(values.buffer)
  store.read(at, bytes)
  const view = viewOf(bytes)
  for (let i = 0; i < count; i++) values[i] = view.getUint32(i * 4, true)
  return values
}

export function u32Bytes(values: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 4)
  const view = viewOf(bytes)
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value, true)
  return bytes
}
