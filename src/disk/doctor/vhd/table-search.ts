import { type ByteStore, viewOf } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { ABSENT, MAX_BAT_ENTRIES } from '../../formats/vhd/bat.ts'
import { bitmapBytesOf } from '../../formats/vhd/bitmap.ts'

/** Behind an empty table comes the footer at once, give or take some padding. */
const MAX_EMPTY_PADDING = 64 << 10

/**
 * Whether the bytes at a place can be a BAT: every entry is absent or a block of its own, clear of the table and
 * within the file; and at least one block is there, or the file ends behind the table. Anything else is not a proof.
 */
export function isPlausibleTable(store: ByteStore, at: number, entries: number, blockSize: number): boolean {
  const end = at + entries * 4
  if (entries < 1 || entries > MAX_BAT_ENTRIES || at < SECTOR || end > store.size()) return false
  const bytes = new Uint8Array(entries * 4)
  store.read(at, bytes)
  const view = viewOf(bytes)
  const stored: number[] = []
  const most = store.size() / blockSize + 1
  const block = (bitmapBytesOf(blockSize) + blockSize) / SECTOR
  for (let index = 0; index < entries; index++) {
    const entry = view.getUint32(index * 4)
    if (entry === ABSENT) continue
    if (entry * SECTOR < end || entry * SECTOR + bitmapBytesOf(blockSize) + SECTOR > store.size())
      return false
    if (stored.push(entry) > most) return false
  }
  const starts = Uint32Array.from(stored).sort()
  for (let index = 1; index < starts.length; index++)
    if (starts[index]! - starts[index - 1]! < block) return false
  return starts.length > 0 || store.size() <= end + MAX_EMPTY_PADDING
}
