import { formatGuid, fromHex } from '../../../base/index.ts'

/**
 * GUIDs lie in a VHDX as Windows keeps them in memory: the first three fields little-endian. In this folder a GUID
 * is its text, lower case and without braces.
 */
const GUID_BYTES = 16
export const NO_GUID = '00000000-0000-0000-0000-000000000000'

const ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]

export function readGuid(bytes: Uint8Array, at: number): string {
  const plain = new Uint8Array(GUID_BYTES)
  for (let place = 0; place < GUID_BYTES; place++) plain[place] = bytes[at + ORDER[place]!]!
  return formatGuid(plain)
}

export function writeGuid(bytes: Uint8Array, at: number, guid: string): void {
  const plain = fromHex(guid.replaceAll('-', ''))!
  for (const [index, place] of ORDER.entries()) bytes[at + place] = plain[index]!
}

/** `{83ED6BA8-...}`, as locators spell it, or without braces; undefined when it is no GUID. */
export function parseGuid(text: string): string | undefined {
  const match = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i.exec(text.trim())
  return match?.[1]?.toLowerCase()
}

/** A version 4 UUID. Not `crypto.randomUUID`, which pages without TLS lack. */
export function randomGuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(GUID_BYTES))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return formatGuid(bytes)
}
