import { asciiBytes, asciiOf } from '../../base/index.ts'
import { labelsOf, nameBytes } from '../dns/name.ts'

/**
 * NetBIOS names: 15 bytes and a suffix that says what is called so (Microsoft; RFC 1001, 14.1 knows 16 bytes). Compared
 * without case, as Windows does, which sends capitals.
 */
export interface NetbiosName {
  /** Up to 15 characters of one byte each, without the spaces that fill it. */
  readonly name: string
  readonly suffix: number
}

export const SUFFIX = {
  workstation: 0x00,
  domainMaster: 0x1b,
  domainControllers: 0x1c,
  localMaster: 0x1d,
  server: 0x20,
} as const

const NAME_BYTES = 15
const ENCODED_CHARACTERS = 32
/** What a node status request asks about when it does not know a name (RFC 1002, 4.2.17): filled with zeroes. */
export const ANY_NAME: NetbiosName = { name: '*', suffix: 0 }

export function netbiosKey({ name, suffix }: NetbiosName): string {
  return `${name.toUpperCase()}<${suffix.toString(16).padStart(2, '0').toUpperCase()}>`
}

/** From the labels of a domain name: sixteen bytes as 32 letters A to P, and perhaps a scope (RFC 1001, 14.1). */
export function netbiosFromDomain(text: string): { name: NetbiosName; scope: string } | undefined {
  const [encoded = '', ...scope] = labelsOf(text)
  if (!/^[A-P]{32}$/.test(encoded)) return undefined
  const bytes = new Uint8Array(NAME_BYTES + 1)
  for (let i = 0; i < bytes.length; i++) bytes[i] = (nibble(encoded, 2 * i) << 4) | nibble(encoded, 2 * i + 1)
  const name = asciiOf(bytes.subarray(0, NAME_BYTES)).replace(/[ \0]+$/, '')
  return { name: { name, suffix: bytes[NAME_BYTES]! }, scope: scope.join('.') }
}

function nibble(text: string, at: number): number {
  return text.charCodeAt(at) - 0x41
}

/** The wire form of the name, without scope. */
export function netbiosBytes(name: NetbiosName): Uint8Array {
  let text = ''
  for (const byte of sixteenBytes(name))
    text += String.fromCharCode(0x41 + (byte >>> 4), 0x41 + (byte & 0x0f))
  return nameBytes(text.slice(0, ENCODED_CHARACTERS))!
}

/** As a node status response has it. */
export function sixteenBytes({ name, suffix }: NetbiosName): Uint8Array {
  const filler = name === ANY_NAME.name ? 0 : 0x20
  const bytes = new Uint8Array(NAME_BYTES + 1).fill(filler)
  bytes.set(asciiBytes(name.slice(0, NAME_BYTES)))
  bytes[NAME_BYTES] = suffix
  return bytes
}
