import { type ByteStore, MiB, VivariumError } from '../../../base/index.ts'
import { requireLarger, writeZeroes } from '../../expand.ts'
import {
  type BatLayout,
  BlockTable,
  ENTRY_BYTES,
  entryCountOf,
  layoutFor,
  STATE,
  usedBytesOf,
} from './bat.ts'
import { randomGuid } from './guid.ts'
import { HeaderPair } from './headers.ts'
import { MAX_VHDX_BYTES } from './layout.ts'
import { LogWriter } from './log-writer.ts'
import { placeOfDiskSize } from './metadata.ts'
import { MetadataPages } from './pages.ts'
import { emptyLog, parseVhdx, surveyVhdx } from './parsed.ts'

/** Pages of the BAT that wait for the log: 4 MiB. */
const MAX_CHANGED_PAGES = 1024

/**
 * Makes a VHDX larger in its file, as far as its BAT region has room. Zeroes behind the old end first, and the blocks
 * that a fixed disk gets; then the new entries, which nobody looks at yet; last the size, all through the log. The
 * data write GUID stays: what children know of this disk has not changed. False for a file without a log, or with
 * blocks where they cannot be.
 * @throws VivariumError kind `invalid` for a size that is smaller or impossible, `corrupt` like reading.
 */
export function expandVhdx(file: ByteStore, sizeBytes: number): boolean {
  const parsed = parseVhdx(file)
  const { metadata, regions, headers: found, layout } = parsed
  requireLarger(file, metadata.sizeBytes, sizeBytes, metadata.logicalSector)
  if (sizeBytes > MAX_VHDX_BYTES)
    throw new VivariumError(
      'invalid',
      'vhdx-size-invalid',
      `A VHDX cannot have ${sizeBytes} bytes; the limit is ${MAX_VHDX_BYTES} (64 TiB).`,
      { where: { path: file.name, field: 'size' }, next: 'Choose a smaller size.' },
    )
  const larger = layoutFor(layout.offset, { ...metadata, sizeBytes })
  const fits = entryCountOf(larger) * ENTRY_BYTES <= regions.bat.length
  if (!fits || found.current.logLength === 0 || surveyVhdx(parsed).problems.length > 0) return false
  if (sizeBytes === metadata.sizeBytes) return true

  const headers = new HeaderPair(file, found)
  emptyLog(file, headers, parsed.replay)
  headers.update({ fileWriteGuid: randomGuid() })
  const log = new LogWriter(file, headers)
  const pages = new MetadataPages(file)
  zeroBehindEnd(file, new BlockTable(layout, pages))
  const firstPlace = metadata.leaveBlocksAllocated ? makeRoom(file, layout, larger) : undefined
  file.flush()
  const commit = () => {
    if (pages.changedCount === 0) return
    log.commit(pages.changedPages())
    pages.settle()
    file.flush()
  }
  for (const change of newEntries(layout, new BlockTable(larger, pages), firstPlace)) {
    change()
    if (pages.changedCount >= MAX_CHANGED_PAGES) commit()
  }
  commit()
  putSize(pages, placeOfDiskSize(file, regions.metadata), sizeBytes)
  commit()
  log.close()
  return true
}

/** What the last block holds behind the disk's end is nobody's yet, and can be anything. */
function zeroBehindEnd(file: ByteStore, table: BlockTable): void {
  const { layout } = table
  const block = layout.blocks - 1
  const entry = table.payloadEntry(block)
  const used = usedBytesOf(layout, block)
  if (table.stateAt(entry) <= STATE.unmapped || used === layout.blockSize) return
  const place = table.placeAt(entry)
  // No block lies on another one, so one that is cut short by the file's end is the last.
  if (file.size() < place + layout.blockSize) file.truncate(place + layout.blockSize)
  writeZeroes(file, place + used, layout.blockSize - used)
}

/** The blocks that a fixed disk gets, at the end of the file. Returns where the first one lies. */
function makeRoom(file: ByteStore, { blocks, blockSize }: BatLayout, larger: BatLayout): number {
  const place = Math.ceil(file.size() / MiB) * MiB
  file.truncate(place + (larger.blocks - blocks) * blockSize)
  return place
}

/** One after the other: whatever lay in the unused part of the region, the new entries are those of empty blocks. */
function* newEntries(
  before: BatLayout,
  table: BlockTable,
  firstPlace: number | undefined,
): Generator<() => void> {
  const { blocks, blockSize, chunkRatio, chunks, differencing } = table.layout
  const put = (entry: number, state: number, place: number) => () => {
    if (table.stateAt(entry) !== state || table.placeAt(entry) !== place) table.set(entry, state, place)
  }
  for (let block = before.blocks; block < blocks; block++) {
    const place = firstPlace === undefined ? 0 : firstPlace + (block - before.blocks) * blockSize
    yield put(table.payloadEntry(block), firstPlace === undefined ? STATE.notPresent : STATE.full, place)
  }
  const firstChunk = differencing ? before.chunks : Math.floor((before.blocks - 1) / chunkRatio)
  // Without a parent the last chunk has no such entry.
  const endChunk = differencing ? chunks : Math.floor((blocks - 1) / chunkRatio)
  for (let chunk = firstChunk; chunk < endChunk; chunk++) yield put(table.bitmapEntry(chunk), 0, 0)
}

function putSize(pages: MetadataPages, at: number, sizeBytes: number): void {
  const bytes = new DataView(new ArrayBuffer(8))
  bytes.setBigUint64(0, BigInt(sizeBytes), true)
  for (let index = 0; index < 8; index++)
    pages.changing(at + index).view.setUint8((at + index) % 4096, bytes.getUint8(index))
}
