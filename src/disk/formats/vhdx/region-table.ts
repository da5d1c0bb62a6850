import { asciiBytes, asciiOf, type ByteStore, MiB, type Problem, viewOf } from '../../../base/index.ts'
import { nextRepair } from '../../next-steps.ts'
import { checksumOf } from './crc32c.ts'
import { damaged, unsupported, warning } from './damage.ts'
import { readGuid, writeGuid } from './guid.ts'

/**
 * The region table (MS-VHDX 2.2.3): 64 KiB at 192 KiB and again at 256 KiB, both alike.
 *
 *   0 4 "regi"   4 4 CRC-32C over the 64 KiB   8 4 number of entries, at most 2047
 *   16 + 32 n:   0 16 GUID   16 8 file offset   24 4 length   28 4 bit 0 = required
 */
export const REGION_TABLE_BYTES = 64 << 10
export const REGION_TABLE_OFFSETS = [192 << 10, 256 << 10] as const
const SIGNATURE = 'regi'
const CHECKSUM_AT = 4
const ENTRIES_AT = 16
const ENTRY_BYTES = 32
const MAX_ENTRIES = 2047

const BAT_GUID = '2dc27766-f623-4200-9d64-115e9bfd4a08'
const METADATA_GUID = '8b7ca206-4790-4b9a-b8fe-575f050f886e'

export interface Region {
  readonly offset: number
  readonly length: number
}

export interface Regions {
  readonly bat: Region
  readonly metadata: Region
  /** All of them, those of unknown use too. */
  readonly all: readonly Region[]
  readonly problems: readonly Problem[]
}

interface Entry extends Region {
  readonly guid: string
  readonly required: boolean
}

export function readRegions(store: ByteStore): Regions {
  const tables = REGION_TABLE_OFFSETS.map((offset) => readTable(store, offset))
  const index = tables.findIndex((table) => table !== undefined)
  const entries = tables[index]
  const where = { path: store.name, offset: REGION_TABLE_OFFSETS[Math.max(index, 0)]!, field: 'region table' }
  if (entries === undefined)
    throw damaged('vhdx-region-tables-lost', 'Neither of the two region tables has a right checksum.', where)
  for (const entry of entries) checkEntry(store, entry, where)
  const find = (guid: string, name: string): Region => {
    const found = entries.find((entry) => entry.guid === guid)
    if (found !== undefined) return found
    throw damaged('vhdx-region-missing', `The region table names no ${name} region.`, where)
  }
  const unknown = entries.find(
    ({ guid, required }) => required && guid !== BAT_GUID && guid !== METADATA_GUID,
  )
  if (unknown !== undefined)
    throw unsupported(
      'vhdx-region-unknown',
      `The file needs a region ${unknown.guid}, which nobody here knows.`,
      where,
      'Convert the disk with the program that made it.',
    )
  return {
    bat: find(BAT_GUID, 'BAT'),
    metadata: find(METADATA_GUID, 'metadata'),
    all: entries,
    problems: tables.flatMap((table, place) =>
      table !== undefined
        ? []
        : warning(
            'vhdx-region-table-lost',
            `Region table ${place + 1} of 2 is damaged; the other one is used.`,
            { path: store.name, offset: REGION_TABLE_OFFSETS[place]!, field: 'region table' },
            nextRepair(store.name),
          ),
    ),
  }
}

function readTable(store: ByteStore, offset: number): Entry[] | undefined {
  if (offset + REGION_TABLE_BYTES > store.size()) return undefined
  const bytes = new Uint8Array(REGION_TABLE_BYTES)
  store.read(offset, bytes)
  if (asciiOf(bytes.subarray(0, 4)) !== SIGNATURE) return undefined
  const view = viewOf(bytes)
  if (view.getUint32(CHECKSUM_AT, true) !== checksumOf(bytes, CHECKSUM_AT)) return undefined
  const count = view.getUint32(8, true)
  if (count > MAX_ENTRIES) return undefined
  return Array.from({ length: count }, (_, index) => {
    const at = ENTRIES_AT + index * ENTRY_BYTES
    return {
      guid: readGuid(bytes, at),
      offset: Number(view.getBigUint64(at + 16, true)),
      length: view.getUint32(at + 24, true),
      required: (view.getUint32(at + 28, true) & 1) === 1,
    }
  })
}

function checkEntry(
  store: ByteStore,
  { guid, offset, length }: Entry,
  where: Problem['where'] & object,
): void {
  const aligned = offset % MiB === 0 && length % MiB === 0
  if (aligned && offset >= MiB && length > 0 && offset + length <= store.size()) return
  throw damaged(
    'vhdx-region-outside-file',
    `Region ${guid} (${length} bytes at byte ${offset}) does not lie in whole megabytes within the file of ${store.size()} bytes.`,
    where,
  )
}

export function formatRegionTable(bat: Region, metadata: Region): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(REGION_TABLE_BYTES)
  const view = viewOf(bytes)
  bytes.set(asciiBytes(SIGNATURE))
  const entries = [
    [BAT_GUID, bat],
    [METADATA_GUID, metadata],
  ] as const
  view.setUint32(8, entries.length, true)
  for (const [index, [guid, { offset, length }]] of entries.entries()) {
    const at = ENTRIES_AT + index * ENTRY_BYTES
    writeGuid(bytes, at, guid)
    view.setBigUint64(at + 16, BigInt(offset), true)
    view.setUint32(at + 24, length, true)
    view.setUint32(at + 28, 1, true)
  }
  view.setUint32(CHECKSUM_AT, checksumOf(bytes, CHECKSUM_AT), true)
  return bytes
}
