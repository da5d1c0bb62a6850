import { listOf, numberOf } from './draft.ts'

/** A DHCP option's value as text, and back by its type. */
export const OPTION_TYPES = [
  { value: 'text', label: 'Text' },
  { value: 'addresses', label: 'IPv4 addresses' },
  { value: 'number8', label: 'Number, 1 byte' },
  { value: 'number16', label: 'Number, 2 bytes' },
  { value: 'number32', label: 'Number, 4 bytes' },
  { value: 'bytes', label: 'Bytes, hexadecimal' },
  { value: 'flag', label: 'On or off' },
] as const

export function optionText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (Array.isArray(value)) return value.join(', ')
  return value === undefined ? '' : String(value)
}

export function optionValue(type: unknown, text: string): unknown {
  if (text === '') return undefined
  if (type === 'addresses') return listOf(text)
  if (typeof type === 'string' && type.startsWith('number')) return numberOf(text)
  if (type === 'flag') return text === 'on' ? true : text === 'off' ? false : text
  return text
}
