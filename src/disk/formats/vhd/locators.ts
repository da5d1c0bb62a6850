import { asciiBytes, asciiOf, type ByteStore, decodeUtf16, encodeUtf16, viewOf } from '../../../base/index.ts'
import type { ParentName } from '../../format.ts'

/**
 * Parent locators: eight entries of 24 bytes at 576 in the dynamic header, each naming a piece of the file
 * with the parent's path for one platform.
 *
 *   0 4 platform code   4 4 space   8 4 length in bytes   12 4 zero   16 8 offset
 *
 * `space` is in sectors by the specification and in bytes in what Windows writes: it is never used here.
 * The W2 texts are UTF-16 LITTLE-endian without a terminating zero, whatever published descriptions say.
 */
const ENTRIES_AT = 576
const ENTRY_BYTES = 24
const ENTRIES = 8
/** Longer than any path a host accepts (32,767 UTF-16 units on Windows). */
const MAX_LOCATOR_BYTES = 65536

export interface LocatorEntry {
  readonly code: string
  readonly space: number
  readonly length: number
  readonly offset: number
}

export function parseLocatorEntries(header: Uint8Array): LocatorEntry[] {
  const view = viewOf(header)
  const entries: LocatorEntry[] = []
  for (let at = ENTRIES_AT; at < ENTRIES_AT + ENTRIES * ENTRY_BYTES; at += ENTRY_BYTES) {
    const code = asciiOf(header.subarray(at, at + 4))
    if (code === '\0\0\0\0') continue
    entries.push({
      code,
      space: view.getUint32(at + 4),
      length: view.getUint32(at + 8),
      offset: Number(view.getBigUint64(at + 16)),
    })
  }
  return entries
}

export function formatLocatorEntries(entries: readonly LocatorEntry[], header: Uint8Array): void {
  const view = viewOf(header)
  for (const [index, entry] of entries.entries()) {
    const at = ENTRIES_AT + index * ENTRY_BYTES
    header.set(asciiBytes(entry.code), at)
    view.setUint32(at + 4, entry.space)
    view.setUint32(at + 8, entry.length)
    view.setBigUint64(at + 16, BigInt(entry.offset))
  }
}

type Decoder = (bytes: Uint8Array) => ParentName

/** Platform codes that hold a path. "Mac " is an HFS alias, which means nothing outside its own volume. */
const DECODERS: Readonly<Record<string, Decoder>> = {
  W2ru: (bytes) => ({ kind: 'relative', text: trimmed(decodeUtf16(bytes, 'le')) }),
  W2ku: (bytes) => ({ kind: 'absolute', text: trimmed(decodeUtf16(bytes, 'le')) }),
  Wi2r: (bytes) => ({ kind: 'relative', text: trimmed(new TextDecoder('windows-1252').decode(bytes)) }),
  Wi2k: (bytes) => ({ kind: 'absolute', text: trimmed(new TextDecoder('windows-1252').decode(bytes)) }),
  MacX: (bytes) => ({ kind: 'absolute', text: trimmed(new TextDecoder().decode(bytes)) }),
}

function trimmed(text: string): string {
  return text.split('\0')[0]!
}

/** The parent's names, in the file's order. An entry that points outside the file is left out and counted. */
export function readParentNames(
  store: ByteStore,
  entries: readonly LocatorEntry[],
): { readonly names: ParentName[]; readonly damaged: LocatorEntry[] } {
  const names: ParentName[] = []
  const damaged: LocatorEntry[] = []
  const size = store.size()
  for (const entry of entries) {
    const decode = DECODERS[entry.code]
    if (decode === undefined) continue
    if (entry.length === 0 || entry.length > MAX_LOCATOR_BYTES || entry.offset + entry.length > size) {
      damaged.push(entry)
      continue
    }
    const bytes = new Uint8Array(entry.length)
    store.read(entry.offset, bytes)
    const name = decode(bytes)
    if (name.text !== '') names.push(name)
  }
  return { names, damaged }
}

/** The bytes of a W2ru or W2ku locator. */
export function encodeLocatorText(text: string): Uint8Array<ArrayBuffer> {
  return encodeUtf16(text, 'le')
}
