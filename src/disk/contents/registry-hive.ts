import { asciiOf, decodeUtf16, viewOf } from '../../base/index.ts'

/**
 * Reads values of a Windows registry hive ("regf", Windows NT to 11), as far as naming a guest needs it. The layout is
 * not published by Microsoft; it is described by Peter Norris, "The Internal Structure of the Windows Registry", 2009,
 * and Maxim Suhanov's "Windows registry file format specification". Cells name each other by offsets from 4096; a
 * damaged hive has them lead anywhere, so every one is checked, and nothing is followed deeper than a key's list.
 */
const BINS_AT = 4096
const ROOT_CELL_AT = 36
const COMPRESSED_NAME = 0x20
const ASCII_VALUE_NAME = 1
/** Entries of a key that are looked at; far more than any that we ask for has. */
const MAX_ENTRIES = 20_000
const MAX_VALUE_BYTES = 4096
const REG_SZ = 1
const REG_EXPAND_SZ = 2
const REG_DWORD = 4

export type HiveValues = ReadonlyMap<string, string | number>

/** Values of the key at a path of names (in any case), by their names in lower case; undefined = not there. */
export function hiveValues(hive: Uint8Array, path: readonly string[]): HiveValues | undefined {
  if (hive.length < BINS_AT + 32 || asciiOf(hive.subarray(0, 4)) !== 'regf') return undefined
  let key = cellAt(hive, viewOf(hive).getUint32(ROOT_CELL_AT, true))
  for (const name of path) {
    if (key === undefined) return undefined
    key = subkeyNamed(hive, key, name.toLowerCase())
  }
  return key && isKey(key) ? valuesOf(hive, key) : undefined
}

/** The content of an allocated cell. Its size is stored negative. */
function cellAt(hive: Uint8Array, offset: number): Uint8Array | undefined {
  const at = BINS_AT + offset
  if (offset % 8 !== 0 || at + 4 > hive.length) return undefined
  const size = -viewOf(hive).getInt32(at, true)
  return size > 4 && at + size <= hive.length ? hive.subarray(at + 4, at + size) : undefined
}

function signatureOf(cell: Uint8Array): string {
  return asciiOf(cell.subarray(0, 2))
}

function isKey(cell: Uint8Array): boolean {
  return cell.length >= 76 && signatureOf(cell) === 'nk'
}

function subkeyNamed(hive: Uint8Array, key: Uint8Array, name: string): Uint8Array | undefined {
  if (!isKey(key)) return undefined
  const list = cellAt(hive, viewOf(key).getUint32(28, true))
  if (list === undefined) return undefined
  let left = MAX_ENTRIES
  const parts =
    signatureOf(list) === 'ri' ? [...offsetsIn(list)].map((offset) => cellAt(hive, offset)) : [list]
  for (const part of parts) {
    for (const offset of part === undefined ? [] : offsetsIn(part)) {
      if (left-- === 0) return undefined
      const found = cellAt(hive, offset)
      if (found !== undefined && isKey(found) && keyName(found).toLowerCase() === name) return found
    }
  }
  return undefined
}

/** `lf` and `lh` have a hash behind each offset; `li` and `ri` have offsets alone. */
function* offsetsIn(list: Uint8Array): Generator<number> {
  const step = { lf: 8, lh: 8, li: 4, ri: 4 }[signatureOf(list)]
  if (step === undefined || list.length < 4) return
  const view = viewOf(list)
  const count = Math.min(view.getUint16(2, true), Math.floor((list.length - 4) / step))
  for (let index = 0; index < count; index++) yield view.getUint32(4 + index * step, true)
}

function keyName(key: Uint8Array): string {
  const view = viewOf(key)
  const bytes = key.subarray(76, 76 + view.getUint16(72, true))
  return (view.getUint16(2, true) & COMPRESSED_NAME) !== 0 ? asciiOf(bytes) : decodeUtf16(bytes, 'le')
}

function valuesOf(hive: Uint8Array, key: Uint8Array): HiveValues {
  const values = new Map<string, string | number>()
  const view = viewOf(key)
  const list = cellAt(hive, view.getUint32(40, true))
  if (list === undefined) return values
  const count = Math.min(view.getUint32(36, true), Math.floor(list.length / 4), MAX_ENTRIES)
  for (let index = 0; index < count; index++) {
    const cell = cellAt(hive, viewOf(list).getUint32(index * 4, true))
    if (cell === undefined || cell.length < 20 || signatureOf(cell) !== 'vk') continue
    const value = dataOf(hive, cell)
    if (value !== undefined) values.set(valueName(cell).toLowerCase(), value)
  }
  return values
}

function valueName(cell: Uint8Array): string {
  const view = viewOf(cell)
  const bytes = cell.subarray(20, 20 + view.getUint16(2, true))
  return (view.getUint16(16, true) & ASCII_VALUE_NAME) !== 0 ? asciiOf(bytes) : decodeUtf16(bytes, 'le')
}

/** Up to four bytes lie in the place of the offset. */
function dataOf(hive: Uint8Array, cell: Uint8Array): string | number | undefined {
  const view = viewOf(cell)
  const stored = view.getUint32(4, true)
  const length = stored & 0x7fffffff
  if (length > MAX_VALUE_BYTES) return undefined
  const inPlace = stored >>> 31 === 1
  const data = inPlace ? cell.subarray(8, 8 + Math.min(length, 4)) : cellAt(hive, view.getUint32(8, true))
  if (data === undefined || data.length < length) return undefined
  const type = view.getUint32(12, true)
  if (type === REG_DWORD && length === 4) return viewOf(data).getUint32(0, true)
  if (type !== REG_SZ && type !== REG_EXPAND_SZ) return undefined
  return decodeUtf16(data.subarray(0, length - (length % 2)), 'le').split('\0')[0]!
}
