import { asciiBytes, asciiOf, bytesEqual } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { contentIdText, MAX_DESCRIPTOR_BYTES, parseDescriptor } from '../../formats/vmdk/descriptor.ts'
import { readSparseHeader } from '../../formats/vmdk/sparse-extent.ts'
import { MAGIC } from '../../formats/vmdk/sparse-header.ts'
import type { Surgery } from '../surgery.ts'
import { cannotRecord, type ParentRecord, posixPath } from './parent-record.ts'

/** Lines of the descriptor name the parent; in a sparse file it has room of its own, else it is the whole file. */
export function renameVmdkParent(surgery: Surgery, parent: ParentRecord): void {
  const { store } = surgery
  const { at, room } = placeOf(surgery)
  const padded = surgery.bytesAt(at, Math.min(room, MAX_DESCRIPTOR_BYTES, store.size() - at))
  const { parentContentId } = parseDescriptor(padded, store.name)
  const nul = padded.indexOf(0)
  const old = asciiOf(nul === -1 ? padded : padded.subarray(0, nul))
  const hint = posixPath(parent.relativePath)
  const encoded = asciiOf(new TextEncoder().encode(hint))
  const isUtf8 = !/^[ \t]*encoding[ \t]*=[ \t]*"?(?!utf-8)/im.test(old)
  if (/["\r\n]/.test(hint) || (encoded !== hint && !isUtf8))
    throw cannotRecord(store.name, `The name "${hint}" cannot be written in the encoding of the descriptor.`)
  const id = parent.id ?? contentIdText(parentContentId)
  let text = withLine(old, 'parentCID', id)
  text = withLine(text, 'parentFileNameHint', `"${encoded}"`)
  const bytes = asciiBytes(text)
  if (bytes.length > room) throw cannotRecord(store.name, 'The descriptor has no room for a longer name.')
  // A shorter text is followed by empty lines in a file of its own, and by zeroes in a sparse one.
  const whole = new Uint8Array(Math.max(bytes.length, old.length)).fill(at === 0 ? 0x0a : 0)
  whole.set(bytes)
  surgery.write(at, whole, {
    what: `Write into the descriptor: parentFileNameHint="${hint}", parentCID=${id}.`,
    why: 'The disk shall find its parent again.',
  })
}

function placeOf({ store }: Surgery): { at: number; room: number } {
  const start = new Uint8Array(Math.min(MAGIC.length, store.size()))
  store.read(0, start)
  if (!bytesEqual(start, MAGIC)) return { at: 0, room: MAX_DESCRIPTOR_BYTES }
  const header = readSparseHeader(store)
  if (header.descriptorOffset === 0)
    throw cannotRecord(store.name, 'It is one extent of a disk: name its descriptor.')
  return { at: header.descriptorOffset * SECTOR, room: header.descriptorSectors * SECTOR }
}

/** Replaces a line, keeping its line end; a missing one goes behind the type of the disk. */
function withLine(text: string, key: string, value: string): string {
  const line = new RegExp(`^[ \\t]*${key}[ \\t]*=.*?(?=\\r?$)`, 'im')
  if (line.test(text)) return text.replace(line, () => `${key}=${value}`)
  return text.replace(
    /^([ \t]*createType[ \t]*=.*?)(\r?\n)/im,
    (_, found, end) => `${found}${end}${key}=${value}${end}`,
  )
}
