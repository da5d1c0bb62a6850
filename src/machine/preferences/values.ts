import { fromHex, toHex, VivariumError } from '../../base/index.ts'
import { isWritableText } from './syntax.ts'

/**
 * The four types of a leaf (formats.md 1.3): the COM variants VT_BSTR, VT_UI4, VT_BOOL and VT_ARRAY|VT_UI1.
 * An integer is unsigned, 32 bits wide, decimal; bytes are upper-case hexadecimal without separators.
 */
export interface LeafValues {
  string: string
  integer: number
  boolean: boolean
  bytes: Uint8Array
}

export type LeafType = keyof LeafValues
export type LeafValue = LeafValues[LeafType]

const LEAF_TYPES: ReadonlySet<string> = new Set(['string', 'integer', 'boolean', 'bytes'])

export function isLeafType(text: string | undefined): text is LeafType {
  return text !== undefined && LEAF_TYPES.has(text)
}

/** Undefined when the text is no value of the type. */
export function parseLeaf<Type extends LeafType>(type: Type, text: string): LeafValues[Type] | undefined
export function parseLeaf(type: LeafType, text: string): LeafValue | undefined {
  switch (type) {
    case 'string':
      return text
    case 'integer':
      return parseInteger(text.trim())
    case 'boolean':
      return parseBoolean(text.trim().toLowerCase())
    case 'bytes':
      return fromHex(text.trim())
  }
}

function parseBoolean(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined
}

function parseInteger(text: string): number | undefined {
  if (!/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return value <= 0xffffffff ? value : undefined
}

/** What a value of the type looks like, for messages. */
export const LEAF_FORMS: Record<LeafType, string> = {
  string: 'text',
  integer: 'a whole number from 0 to 4294967295',
  boolean: '"true" or "false"',
  bytes: 'an even number of hexadecimal digits',
}

/** The unescaped text of a leaf. @throws VivariumError kind `invalid` when the value does not fit the type. */
export function formatLeaf<Type extends LeafType>(
  type: Type,
  value: LeafValues[Type],
  keyPath: string,
): string {
  const text = leafText(type, value)
  if (text !== undefined) return text
  throw new VivariumError('invalid', 'leaf-value', `${keyPath} has to be ${LEAF_FORMS[type]}.`, {
    where: { field: keyPath },
    ...(type === 'string' && { next: 'Remove control characters and broken surrogates.' }),
  })
}

function leafText(type: LeafType, value: LeafValue): string | undefined {
  if (value instanceof Uint8Array) return type === 'bytes' ? toHex(value).toUpperCase() : undefined
  switch (type) {
    case 'string':
      return typeof value === 'string' && isWritableText(value) ? value : undefined
    case 'integer':
      return typeof value === 'number' && value >>> 0 === value ? String(value) : undefined
    case 'boolean':
      return typeof value === 'boolean' ? String(value) : undefined
    case 'bytes':
      return undefined
  }
}
