import { bytesEqual } from '../../base/index.ts'
import { ifReadable } from './disk-bytes.ts'
import { type FatLayout, fatLayoutOf } from './fat.ts'
import { FIRST_CLUSTER, fatEntryBits, fatEntryOf } from './fat-entries.ts'
import type { Volume } from './volume.ts'

/**
 * How a FAT volume is to be read whose tables are not as they should be (Microsoft's FAT specification 1.03, section
 * 4). A table begins with the media byte of the boot sector, and every entry leads into the volume or says that there
 * is nothing, an end or a bad cluster. Readers go by the first table, and refuse a volume over either.
 */
export interface FatReading {
  /** What is wrong, and how it is read all the same, a sentence each. */
  readonly problems: readonly string[]
  /** Puts what is to be read over bytes that were read from `at`, counted from the volume's start. */
  mend(at: number, bytes: Uint8Array): void
}

interface Table {
  readonly offset: number
  readonly startsRight: boolean
}

/** Entries 0 and 1. */
const START_BYTES = { FAT12: 3, FAT16: 4, FAT32: 8 } as const
/** FAT32 has entries of 28 bits, so a table that is longer is none. */
const MAX_TABLE_BYTES = 2 ** 30
/** Of 2 TiB in clusters of 32 KiB; the entries of longer ones are not looked at. */
const MAX_JUDGED_BYTES = 2 ** 28
const PIECE_BYTES = 256 << 10

/** Undefined where it is to be read just as it is. */
export function fatReadingOf(volume: Volume): FatReading | undefined {
  const boot = ifReadable(() => volume.bytes(0, 512))
  const layout = boot && fatLayoutOf(boot)
  if (layout === undefined || layout.fatOffset + layout.fats * layout.fatBytes > volume.sizeBytes)
    return undefined
  if (usedBytes(layout) > Math.min(layout.fatBytes, MAX_TABLE_BYTES)) return undefined
  const media = boot![21]!
  const active = activeTable(boot!, layout)
  const tables = Array.from({ length: layout.fats }, (_, index) => tableAt(volume, layout, media, index))
  const differ = active === undefined && tables.length > 1 && !tablesAgree(volume, layout)
  const chosen = differ ? bestOf(volume, layout, tables) : tables[active ?? 0]!
  const isFirst = chosen === tables[0]
  const problems: string[] = []
  if (differ)
    problems.push(
      isFirst
        ? 'The two file allocation tables differ; the first is read.'
        : 'The first file allocation table is damaged; the second is read.',
    )
  if (!chosen.startsRight) problems.push(badStart(volume, chosen, media))
  if (isFirst && problems.length === 0) return undefined
  return {
    problems,
    mend(at, bytes) {
      if (!isFirst)
        overlay(at, bytes, layout.fatOffset, layout.fatBytes, (from, length) =>
          volume.bytes(chosen.offset + from, length),
        )
      if (!chosen.startsRight) {
        const start = startOf(layout.kind, media)
        overlay(at, bytes, layout.fatOffset, start.length, (from, length) =>
          start.subarray(from, from + length),
        )
      }
    },
  }
}

/** FAT32 may keep one table only up to date: offset 40, bit 7, and its number. */
function activeTable(boot: Uint8Array, { kind, fats }: FatLayout): number | undefined {
  const flags = boot[40]!
  return kind === 'FAT32' && (flags & 0x80) !== 0 && (flags & 0x0f) < fats ? flags & 0x0f : undefined
}

function usedBytes({ kind, clusters }: FatLayout): number {
  return Math.ceil(((clusters + FIRST_CLUSTER) * fatEntryBits(kind)) / 8)
}

function tableAt(volume: Volume, layout: FatLayout, media: number, index: number): Table {
  const offset = layout.fatOffset + index * layout.fatBytes
  return { offset, startsRight: ifReadable(() => volume.bytes(offset, 1))?.[0] === media }
}

function bestOf(volume: Volume, layout: FatLayout, tables: readonly Table[]): Table {
  const sound = tables.filter(({ offset }) => ifReadable(() => isSound(volume, layout, offset)))
  return (
    sound.find(({ startsRight }) => startsRight) ??
    tables.find(({ startsRight }) => startsRight) ??
    sound[0] ??
    tables[0]!
  )
}

/** Whether every entry leads to a cluster in use, or says that there is nothing, an end or a bad cluster. */
function isSound(volume: Volume, layout: FatLayout, offset: number): boolean {
  const { kind, clusters } = layout
  if (usedBytes(layout) > MAX_JUDGED_BYTES) return false
  const table = volume.bytes(offset, usedBytes(layout))!
  const end = clusters + FIRST_CLUSTER
  // From here on they are reserved, mark a bad cluster or an end.
  const reserved = { FAT12: 0xff0, FAT16: 0xfff0, FAT32: 0xffffff0 }[kind]
  for (let cluster = FIRST_CLUSTER; cluster < end; cluster++) {
    const next = fatEntryOf(table, kind, cluster)
    if (next === 0 || next >= reserved) continue
    if (next < FIRST_CLUSTER || next >= end || fatEntryOf(table, kind, next) === 0) return false
  }
  return true
}

/** What cannot be read differs. */
function tablesAgree(volume: Volume, layout: FatLayout): boolean {
  const { fatOffset, fatBytes } = layout
  const used = usedBytes(layout)
  const read = (at: number, length: number) => ifReadable(() => volume.bytes(at, length))
  for (let done = 0; done < used; done += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, used - done)
    const one = read(fatOffset + done, length)
    const two = read(fatOffset + fatBytes + done, length)
    if (one === undefined || two === undefined || !bytesEqual(one, two)) return false
  }
  return true
}

function badStart(volume: Volume, { offset }: Table, media: number): string {
  const found = ifReadable(() => volume.bytes(offset, 1))?.[0]
  const what = found === undefined ? 'what cannot be read' : hex(found)
  return `The file allocation table begins with ${what} where the media byte ${hex(media)} should be; it is read as if that were there.`
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}

/** The media byte, and ones: an end, and a volume that was left in order. */
function startOf(kind: FatLayout['kind'], media: number): Uint8Array {
  const start = new Uint8Array(START_BYTES[kind]).fill(0xff)
  start[0] = media
  if (kind === 'FAT32') start[3] = start[7] = 0x0f
  return start
}

/** The part of `bytes`, which lie at `at`, that lies in a stretch too; `source` counts from the stretch's start. */
function overlay(
  at: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  source: (from: number, length: number) => Uint8Array | undefined,
): void {
  const from = Math.max(at, start)
  const end = Math.min(at + bytes.length, start + length)
  if (from >= end) return
  const instead = source(from - start, end - from)
  if (instead !== undefined) bytes.set(instead, from - at)
}
