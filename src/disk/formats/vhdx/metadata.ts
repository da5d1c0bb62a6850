import { asciiBytes, asciiOf, type ByteStore, MiB, viewOf } from '../../../base/index.ts'
import { damaged, unsupported } from './damage.ts'
import { readGuid, writeGuid } from './guid.ts'
import { type ParentLocator, parseParentLocator } from './parent-locator.ts'
import type { Region } from './region-table.ts'

/**
 * The metadata region (MS-VHDX 2.6): a table of 64 KiB, then the items.
 *
 *   0 8 "metadata"   10 2 number of entries, at most 2047
 *   32 + 32 n:       0 16 item GUID   16 4 offset in the region   20 4 length   24 4 bits: user, disk, required
 */
const TABLE_BYTES = 64 << 10
const SIGNATURE = 'metadata'
const ENTRIES_AT = 32
const ENTRY_BYTES = 32
const MAX_ENTRIES = 2047
const MAX_ITEM_BYTES = MiB
const IS_USER = 1
const IS_DISK = 2
const IS_REQUIRED = 4

const FILE_PARAMETERS = 'caa16737-fa36-4d43-b3b6-33f0aa44e76b'
const DISK_SIZE = '2fa54224-cd1b-4876-b211-5dbed83bf4b8'
const DISK_ID = 'beca12ab-b2e6-4523-93ef-c309e000c746'
const LOGICAL_SECTOR = '8141bf1d-a96f-4709-ba47-f233a8faab5f'
const PHYSICAL_SECTOR = 'cda348c7-445d-4471-9cc9-e9885251c556'
const PARENT_LOCATOR = 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c'
const KNOWN = new Set([
  ...[FILE_PARAMETERS, DISK_SIZE, DISK_ID],
  ...[LOGICAL_SECTOR, PHYSICAL_SECTOR, PARENT_LOCATOR],
])

/** MS-VHDX 2.6.2.1 and 2.6.2.2. */
export const MIN_BLOCK_BYTES = MiB
export const MAX_BLOCK_BYTES = 256 * MiB
export const MAX_DISK_BYTES = 64 * 2 ** 40

export interface Metadata {
  readonly blockSize: number
  /** A fixed disk: blocks keep their place in the file. */
  readonly leaveBlocksAllocated: boolean
  readonly hasParent: boolean
  readonly sizeBytes: number
  readonly diskId: string
  readonly logicalSector: number
  readonly physicalSector: number
  readonly locator?: ParentLocator
}

interface Item {
  readonly user: boolean
  readonly required: boolean
  readonly offset: number
  readonly length: number
}

export function readMetadata(store: ByteStore, region: Region): Metadata {
  const where = { path: store.name, offset: region.offset, field: 'metadata' }
  const items = readTable(store, region, where)
  const value = (guid: string, name: string, length: number): DataView => {
    const item = items.get(guid)
    if (item === undefined || item.length < length)
      throw damaged('vhdx-metadata-missing', `The metadata hold no ${name}.`, { ...where, field: name })
    return viewOf(bytesOf(store, region, item))
  }
  const parameters = value(FILE_PARAMETERS, 'file parameters', 8)
  const flags = parameters.getUint32(4, true)
  const hasParent = (flags & 2) !== 0
  const locator = hasParent ? locatorOf(store, region, items, where) : undefined
  const idItem = items.get(DISK_ID)
  return checked(
    {
      blockSize: parameters.getUint32(0, true),
      leaveBlocksAllocated: (flags & 1) !== 0 && !hasParent,
      hasParent,
      sizeBytes: Number(value(DISK_SIZE, 'virtual disk size', 8).getBigUint64(0, true)),
      diskId: idItem?.length === 16 ? readGuid(bytesOf(store, region, idItem), 0) : '',
      logicalSector: value(LOGICAL_SECTOR, 'logical sector size', 4).getUint32(0, true),
      physicalSector: value(PHYSICAL_SECTOR, 'physical sector size', 4).getUint32(0, true),
      ...(locator && { locator }),
    },
    where,
  )
}

/** Where in the file the disk's size is kept: eight bytes, little-endian. @throws VivariumError kind `corrupt`. */
export function placeOfDiskSize(store: ByteStore, region: Region): number {
  const where = { path: store.name, offset: region.offset, field: 'metadata' }
  const item = readTable(store, region, where).get(DISK_SIZE)
  if (item === undefined || item.length < 8)
    throw damaged('vhdx-metadata-missing', 'The metadata hold no virtual disk size.', where)
  return region.offset + item.offset
}

type Place = { readonly path: string; readonly offset: number; readonly field: string }

function readTable(store: ByteStore, region: Region, where: Place): Map<string, Item> {
  const bytes = new Uint8Array(TABLE_BYTES)
  store.read(region.offset, bytes)
  const view = viewOf(bytes)
  const count = view.getUint16(10, true)
  if (asciiOf(bytes.subarray(0, 8)) !== SIGNATURE || count > MAX_ENTRIES)
    throw damaged(
      'vhdx-metadata-damaged',
      'There is no metadata table where the region table says it is.',
      where,
    )
  const items = new Map<string, Item>()
  for (let index = 0; index < count; index++) {
    const at = ENTRIES_AT + index * ENTRY_BYTES
    const flags = view.getUint32(at + 24, true)
    const item = {
      user: (flags & IS_USER) !== 0,
      required: (flags & IS_REQUIRED) !== 0,
      offset: view.getUint32(at + 16, true),
      length: view.getUint32(at + 20, true),
    }
    const guid = readGuid(bytes, at)
    checkItem(guid, item, region, where)
    if (!item.user) items.set(guid, item)
  }
  return items
}

function checkItem(guid: string, item: Item, region: Region, where: Place): void {
  if (item.required && (item.user || !KNOWN.has(guid)))
    throw unsupported(
      'vhdx-metadata-unknown',
      `The file needs a metadata item ${guid}, which nobody here knows.`,
      where,
      'Convert the disk with the program that made it.',
    )
  const inside = item.offset >= TABLE_BYTES && item.offset + item.length <= region.length
  if (item.length > MAX_ITEM_BYTES || (item.length > 0 && !inside))
    throw damaged('vhdx-metadata-damaged', `The metadata item ${guid} does not lie within its region.`, where)
}

function bytesOf(store: ByteStore, region: Region, item: Item): Uint8Array {
  const bytes = new Uint8Array(item.length)
  store.read(region.offset + item.offset, bytes)
  return bytes
}

function locatorOf(store: ByteStore, region: Region, items: Map<string, Item>, where: Place): ParentLocator {
  const item = items.get(PARENT_LOCATOR)
  const locator = item && parseParentLocator(bytesOf(store, region, item))
  if (locator !== undefined) return locator
  throw damaged('vhdx-locator-damaged', 'The disk has a parent, and its parent locator names none.', {
    ...where,
    field: 'parent locator',
  })
}

function checked(metadata: Metadata, where: Place): Metadata {
  const { blockSize, sizeBytes, logicalSector } = metadata
  const fail = (code: string, field: string, message: string): never => {
    throw damaged(code, message, { ...where, field })
  }
  if (blockSize < MIN_BLOCK_BYTES || blockSize > MAX_BLOCK_BYTES || (blockSize & (blockSize - 1)) !== 0)
    fail('vhdx-block-size', 'block size', `The block size is ${blockSize}; 1 to 256 MiB are possible.`)
  if (logicalSector !== 512 && logicalSector !== 4096)
    fail('vhdx-sector-size', 'logical sector size', `The sector size is ${logicalSector}, not 512 or 4096.`)
  if (sizeBytes === 0 || sizeBytes % logicalSector !== 0 || sizeBytes > MAX_DISK_BYTES)
    fail(
      'vhdx-size',
      'virtual disk size',
      `The disk should have ${sizeBytes} bytes; whole sectors up to 64 TiB are possible.`,
    )
  return metadata
}

export type NewMetadata = Omit<Metadata, 'locator'> & { readonly locator?: Uint8Array }

/** The first bytes of a new metadata region; the rest of it is zero. */
export function formatMetadata(metadata: NewMetadata): Uint8Array<ArrayBuffer> {
  const items = itemsOf(metadata)
  const itemBytes = items.reduce((sum, [, , value]) => sum + value.length, 0)
  const bytes = new Uint8Array(TABLE_BYTES + itemBytes)
  const view = viewOf(bytes)
  bytes.set(asciiBytes(SIGNATURE))
  view.setUint16(10, items.length, true)
  let offset = TABLE_BYTES
  for (const [index, [guid, flags, value]] of items.entries()) {
    const at = ENTRIES_AT + index * ENTRY_BYTES
    writeGuid(bytes, at, guid)
    view.setUint32(at + 16, offset, true)
    view.setUint32(at + 20, value.length, true)
    view.setUint32(at + 24, flags, true)
    bytes.set(value, offset)
    offset += value.length
  }
  return bytes
}

function itemsOf(metadata: NewMetadata): [guid: string, flags: number, value: Uint8Array][] {
  const parameters = new Uint8Array(8)
  const flags = (metadata.leaveBlocksAllocated ? 1 : 0) | (metadata.hasParent ? 2 : 0)
  viewOf(parameters).setUint32(0, metadata.blockSize, true)
  viewOf(parameters).setUint32(4, flags, true)
  const size = new Uint8Array(8)
  viewOf(size).setBigUint64(0, BigInt(metadata.sizeBytes), true)
  const id = new Uint8Array(16)
  writeGuid(id, 0, metadata.diskId)
  return [
    [FILE_PARAMETERS, IS_REQUIRED, parameters],
    [DISK_SIZE, IS_DISK | IS_REQUIRED, size],
    [DISK_ID, IS_DISK | IS_REQUIRED, id],
    [LOGICAL_SECTOR, IS_DISK | IS_REQUIRED, uint32(metadata.logicalSector)],
    [PHYSICAL_SECTOR, IS_DISK | IS_REQUIRED, uint32(metadata.physicalSector)],
    ...(metadata.locator === undefined
      ? []
      : [[PARENT_LOCATOR, IS_REQUIRED, metadata.locator] as [string, number, Uint8Array]]),
  ]
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, value, true)
  return bytes
}
