import { decodeUtf16, encodeUtf16, viewOf } from '../../../base/index.ts'
import type { ParentName } from '../../format.ts'
import { NO_GUID, parseGuid, readGuid, writeGuid } from './guid.ts'

/**
 * The parent locator (MS-VHDX 2.6.2.6): a metadata item of keys and values, UTF-16 little-endian, no terminators.
 *
 *   0 16 locator type   18 2 number of pairs
 *   20 + 12 n:          0 4 key offset   4 4 value offset   8 2 key length   10 2 value length
 *
 * For a VHDX parent: `parent_linkage` is the parent's data write GUID in braces, `parent_linkage2` a second one
 * that is right too (all zero in real files), and the paths are tried by their kind.
 */
const VHDX_PARENT = 'b04aefb7-d19e-4a81-b789-25b8e9445913'
const ENTRIES_AT = 20
const ENTRY_BYTES = 12

export interface ParentLocator {
  /** Data write GUIDs that the parent may have; the first is `parent_linkage`. */
  readonly linkages: readonly string[]
  readonly names: readonly ParentName[]
}

const PATHS = [
  ['relative_path', 'relative'],
  ['volume_path', 'absolute'],
  ['absolute_win32_path', 'absolute'],
] as const

/** Undefined when it is no locator of a VHDX parent, points outside itself, or names no parent. */
export function parseParentLocator(bytes: Uint8Array): ParentLocator | undefined {
  if (bytes.length < ENTRIES_AT || readGuid(bytes, 0) !== VHDX_PARENT) return undefined
  const pairs = readPairs(bytes)
  if (pairs === undefined) return undefined
  const linkages = ['parent_linkage', 'parent_linkage2']
    .map((key) => parseGuid(pairs.get(key) ?? ''))
    .filter((guid) => guid !== undefined && guid !== NO_GUID)
  if (linkages.length === 0) return undefined
  const names = PATHS.flatMap(([key, kind]): ParentName[] => {
    const text = pairs.get(key)?.split('\0')[0]
    return text === undefined || text === '' ? [] : [{ kind, text: withoutPrefix(text) }]
  })
  return { linkages: linkages as string[], names }
}

function readPairs(bytes: Uint8Array): Map<string, string> | undefined {
  const view = viewOf(bytes)
  const count = view.getUint16(18, true)
  if (ENTRIES_AT + count * ENTRY_BYTES > bytes.length) return undefined
  const pairs = new Map<string, string>()
  for (let index = 0; index < count; index++) {
    const at = ENTRIES_AT + index * ENTRY_BYTES
    const key = textAt(bytes, view.getUint32(at, true), view.getUint16(at + 8, true))
    const value = textAt(bytes, view.getUint32(at + 4, true), view.getUint16(at + 10, true))
    if (key === undefined || value === undefined) return undefined
    pairs.set(key, value)
  }
  return pairs
}

function textAt(bytes: Uint8Array, offset: number, length: number): string | undefined {
  if (offset + length > bytes.length) return undefined
  return decodeUtf16(bytes.subarray(offset, offset + length), 'le')
}

/** Windows writes `\\?\C:\...`; the prefix only says that no other rewriting applies. */
function withoutPrefix(path: string): string {
  return /^\\\\\?\\[a-z]:/i.test(path) ? path.slice(4) : path
}

export interface NewParentLocator {
  /** The parent's data write GUID. */
  readonly linkage: string
  readonly relativePath?: string
  readonly absolutePath: string
}

export function formatParentLocator({ linkage, relativePath, absolutePath }: NewParentLocator) {
  const pairs: [string, string][] = [
    ['parent_linkage', `{${linkage}}`],
    ['parent_linkage2', `{${NO_GUID}}`],
    ...(relativePath === undefined ? [] : [['relative_path', relativePath] as [string, string]]),
    ['absolute_win32_path', absolutePath],
  ]
  const texts = pairs.map(([key, value]) => [encodeUtf16(key, 'le'), encodeUtf16(value, 'le')] as const)
  const head = ENTRIES_AT + pairs.length * ENTRY_BYTES
  const bytes = new Uint8Array(texts.reduce((sum, [key, value]) => sum + key.length + value.length, head))
  const view = viewOf(bytes)
  writeGuid(bytes, 0, VHDX_PARENT)
  view.setUint16(18, pairs.length, true)
  let end = head
  for (const [index, [key, value]] of texts.entries()) {
    const at = ENTRIES_AT + index * ENTRY_BYTES
    view.setUint32(at, end, true)
    view.setUint32(at + 4, end + key.length, true)
    view.setUint16(at + 8, key.length, true)
    view.setUint16(at + 10, value.length, true)
    bytes.set(key, end)
    bytes.set(value, end + key.length)
    end += key.length + value.length
  }
  return bytes
}
