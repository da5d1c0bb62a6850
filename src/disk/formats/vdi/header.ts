import { asciiBytes, type ByteStore, fromHex, VivariumError, viewOf } from '../../../base/index.ts'
import { type Geometry, SECTOR } from '../../format.ts'

/**
 * The header of a VirtualBox disk: a text of 64 bytes that differs by writer, the magic, and fields in
 * little-endian, at fixed places since version 1.1 (VirtualBox, Storage/VDICore.h; the field names are its own).
 *
 *   0x40 magic  0x44 version  0x48 size of header  0x4C type  0x50 flags  0x54 comment (256)
 *   0x154 offset of block map  0x158 offset of data  0x15C geometry (4 x 32)  0x170 disk size (64)
 *   0x178 block size  0x17C extra bytes a block  0x180 blocks  0x184 blocks allocated
 *   0x188 id  0x198 id of the last modification  0x1A8 id of the parent  0x1B8 the parent's modification
 */
export interface VdiHeader {
  readonly type: VdiType
  readonly comment: string
  readonly mapAt: number
  readonly dataAt: number
  readonly geometry: Geometry | undefined
  readonly sizeBytes: number
  readonly blockSize: number
  /** Bytes in front of each block's data, for a use that never came. */
  readonly blockExtra: number
  readonly blocks: number
  readonly allocated: number
  /** 16 bytes as a GUID's text has them. */
  readonly id: Uint8Array
  readonly modificationId: Uint8Array
  readonly parentId: Uint8Array
  readonly parentModificationId: Uint8Array
  /** The text at the start, without its end. */
  readonly writer: string
}

export type VdiType = 'dynamic' | 'static' | 'undo' | 'differencing'

export const HEADER_BYTES = 0x200
export const ALLOCATED_AT = 0x184
export const MODIFICATION_ID_AT = 0x198
const MAGIC_AT = 0x40
const MAGIC = 0xbeda_107f
const VERSION = 0x0001_0001
const TYPES: readonly (VdiType | undefined)[] = [undefined, 'dynamic', 'static', 'undo', 'differencing']
const OWN_TEXT = '<<< Oracle VM VirtualBox Disk Image >>>\n'

export function hasMagic(store: ByteStore): boolean {
  if (store.size() < HEADER_BYTES) return false
  const bytes = new Uint8Array(4)
  store.read(MAGIC_AT, bytes)
  return viewOf(bytes).getUint32(0, true) === MAGIC
}

/** @throws VivariumError kind `malformed` or `unsupported`. */
export function readHeader(store: ByteStore): VdiHeader {
  if (!hasMagic(store)) {
    throw new VivariumError('malformed', 'vdi-magic-missing', 'It is no VirtualBox disk image.', {
      where: { path: store.name, offset: MAGIC_AT },
    })
  }
  const bytes = new Uint8Array(HEADER_BYTES)
  store.read(0, bytes)
  const view = viewOf(bytes)
  const u32 = (at: number) => view.getUint32(at, true)
  const version = u32(0x44)
  const type = TYPES[u32(0x4c)]
  if (version >>> 16 !== VERSION >>> 16 || type === undefined) {
    const what = type === undefined ? `type ${u32(0x4c)}` : `version ${version >>> 16}.${version & 0xffff}`
    throw new VivariumError('unsupported', 'vdi-version', `The image is of ${what}, which is not known.`, {
      where: { path: store.name, offset: 0x44, field: 'header' },
      next: 'Convert it with VirtualBox first: VBoxManage clonemedium.',
    })
  }
  const geometry = { cylinders: u32(0x15c), heads: u32(0x160), sectorsPerTrack: u32(0x164) }
  const guid = (at: number) => swapGuid(bytes.subarray(at, at + 16))
  return {
    type,
    comment: textOf(bytes.subarray(0x54, 0x154)),
    mapAt: u32(0x154),
    dataAt: u32(0x158),
    geometry: geometry.cylinders > 0 && geometry.heads > 0 ? geometry : undefined,
    sizeBytes: Number(view.getBigUint64(0x170, true)),
    blockSize: u32(0x178),
    blockExtra: u32(0x17c),
    blocks: u32(0x180),
    allocated: u32(ALLOCATED_AT),
    id: guid(0x188),
    modificationId: guid(MODIFICATION_ID_AT),
    parentId: guid(0x1a8),
    parentModificationId: guid(0x1b8),
    writer: textOf(bytes.subarray(0, MAGIC_AT)).trim(),
  }
}

export function formatHeader(header: Omit<VdiHeader, 'writer'>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = viewOf(bytes)
  const u32 = (at: number, value: number) => view.setUint32(at, value, true)
  bytes.set(asciiBytes(OWN_TEXT))
  u32(MAGIC_AT, MAGIC)
  u32(0x44, VERSION)
  u32(0x48, 0x190)
  u32(0x4c, TYPES.indexOf(header.type))
  bytes.set(new TextEncoder().encode(header.comment).subarray(0, 255), 0x54)
  u32(0x154, header.mapAt)
  u32(0x158, header.dataAt)
  // The geometry stays zero: VirtualBox then works it out from the size when it attaches the disk.
  u32(0x168, SECTOR)
  view.setBigUint64(0x170, BigInt(header.sizeBytes), true)
  u32(0x178, header.blockSize)
  u32(0x17c, header.blockExtra)
  u32(0x180, header.blocks)
  u32(ALLOCATED_AT, header.allocated)
  bytes.set(swapGuid(header.id), 0x188)
  bytes.set(swapGuid(header.modificationId), MODIFICATION_ID_AT)
  bytes.set(swapGuid(header.parentId), 0x1a8)
  bytes.set(swapGuid(header.parentModificationId), 0x1b8)
  return bytes
}

/** The header of a larger disk. Without a geometry: VirtualBox works it out again. */
export function withLargerDisk(
  old: Uint8Array,
  { sizeBytes, blocks, allocated }: Pick<VdiHeader, 'sizeBytes' | 'blocks' | 'allocated'>,
): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(old)
  const view = viewOf(bytes)
  bytes.fill(0, 0x15c, 0x168)
  // The geometry that the BIOS shows, where the header is long enough to have it.
  if (view.getUint32(0x48, true) >= 0x190) bytes.fill(0, 0x1c8, 0x1d4)
  view.setBigUint64(0x170, BigInt(sizeBytes), true)
  view.setUint32(0x180, blocks, true)
  view.setUint32(ALLOCATED_AT, allocated, true)
  return bytes
}

function textOf(bytes: Uint8Array): string {
  const nul = bytes.indexOf(0)
  return new TextDecoder().decode(nul === -1 ? bytes : bytes.subarray(0, nul))
}

/** Between the file's order (the first three fields little-endian) and the text's; its own inverse. */
export function swapGuid(bytes: Uint8Array): Uint8Array {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
  return Uint8Array.from(order, (from) => bytes[from]!)
}

/** @throws VivariumError kind `invalid`. */
export function guidBytes(text: string): Uint8Array {
  const bytes = fromHex(text.replaceAll('-', ''))
  if (bytes?.length === 16) return bytes
  throw new VivariumError('invalid', 'vdi-id-invalid', `"${text}" is no id of a VirtualBox disk.`)
}

/** A version 4 UUID. */
export function randomGuid(): Uint8Array {
  const id = crypto.getRandomValues(new Uint8Array(16))
  id[6] = (id[6]! & 0x0f) | 0x40
  id[8] = (id[8]! & 0x3f) | 0x80
  return id
}
