import { type ByteStore, VivariumError } from '../../../base/index.ts'
import { requireLarger, writeZeroes } from '../../expand.ts'
import {
  ABSENT,
  isStored,
  layoutOf,
  MAX_BLOCKS,
  placeOf,
  readMap,
  surveyMap,
  usedBytesOf,
  type VdiLayout,
  writeMap,
} from './block-map.ts'
import { HEADER_BYTES, readHeader, type VdiHeader, withLargerDisk } from './header.ts'

/**
 * Makes a VDI larger in its file, where its map has room to grow in front of the data. Entries of new blocks come
 * first (nobody looks at them yet), and of a static disk the blocks; then the header's one sector. Ids stay, so that
 * children go on to know it. False for a damaged disk; and for a differencing one, whose parent may be longer than
 * it and would come to light.
 * @throws VivariumError kind `invalid` for a size that is smaller or impossible.
 */
export function expandVdi(store: ByteStore, sizeBytes: number): boolean {
  const header = readHeader(store)
  const layout = layoutOf(header, store)
  requireLarger(store, layout.sizeBytes, sizeBytes)
  const blocks = Math.ceil(sizeBytes / layout.blockSize)
  if (blocks > MAX_BLOCKS)
    throw new VivariumError('invalid', 'vdi-size-invalid', `A VDI cannot have ${sizeBytes} bytes.`, {
      where: { path: store.name, field: 'size' },
      next: `The limit is ${MAX_BLOCKS * layout.blockSize} bytes.`,
    })
  const grows = header.type === 'dynamic' || header.type === 'static'
  const hasRoom = layout.mapAt >= HEADER_BYTES && layout.mapAt + blocks * 4 <= layout.dataAt
  if (!grows || !hasRoom || header.sizeBytes !== layout.sizeBytes || header.blocks !== layout.blocks)
    return false
  const map = readMap(store, layout)
  const { problems, nextEntry } = surveyMap(store, layout, [{ first: 0, entries: map }])
  if (problems.length > 0) return false
  if (sizeBytes === layout.sizeBytes) return true
  clearLastBlock(store, layout, map)
  const allocated = writeNewEntries(store, header, { ...layout, sizeBytes, blocks }, nextEntry)
  store.flush()
  const bytes = new Uint8Array(HEADER_BYTES)
  store.read(0, bytes)
  store.write(0, withLargerDisk(bytes, { sizeBytes, blocks, allocated }))
  store.flush()
  return true
}

/** What the last block holds behind the end of the disk comes to light. */
function clearLastBlock(store: ByteStore, layout: VdiLayout, map: Uint32Array): void {
  const block = layout.blocks - 1
  const used = usedBytesOf(layout, block)
  const entry = map[block]!
  if (used === layout.blockSize || !isStored(entry)) return
  const at = placeOf(layout, entry) + used
  const end = at + layout.blockSize - used
  writeZeroes(store, at, Math.min(end, Math.max(at, store.size())) - at)
  if (store.size() < end) store.truncate(end)
}

/** @param larger With the new number of blocks. @returns How many blocks are allocated then. */
function writeNewEntries(store: ByteStore, header: VdiHeader, larger: VdiLayout, nextEntry: number): number {
  const map = new Uint32Array(larger.blocks).fill(ABSENT)
  if (header.type === 'dynamic') {
    writeMap(store, larger, map, header.blocks, larger.blocks)
    return header.allocated
  }
  // What a crash or another program left behind the last block must not show.
  store.truncate(Math.min(store.size(), placeOf(larger, nextEntry)))
  const added = larger.blocks - header.blocks
  for (let index = 0; index < added; index++) map[header.blocks + index] = nextEntry + index
  store.truncate(placeOf(larger, nextEntry + added) - larger.blockExtra)
  writeMap(store, larger, map, header.blocks, larger.blocks)
  return nextEntry + added
}
