import { formatGuid } from '../../base/index.ts'
import { formatMac, VIRTUAL_PC_OUI } from './mac.ts'

/** Ids and addresses that a new machine needs. */
export type Random = (length: number) => Uint8Array

export const systemRandom: Random = (length) => globalThis.crypto.getRandomValues(new Uint8Array(length))

/** A random (version 4) GUID, RFC 9562 section 5.4. */
function newGuid(random: Random): string {
  const bytes = Uint8Array.from(random(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return formatGuid(bytes)
}

/** "{XXXXXXXX-...}" in upper case, as Virtual PC writes it. */
export function newBiosGuid(random: Random = systemRandom): string {
  return `{${newGuid(random).toUpperCase()}}`
}

/** The id of a virtual network, in GUID notation. */
export function newNetworkId(random: Random = systemRandom): string {
  return newGuid(random)
}

/** "00:03:ff:xx:xx:xx": the vendor part that the products use, and a random rest. */
export function newMac(random: Random = systemRandom): string {
  return `${VIRTUAL_PC_OUI}:${formatMac(random(3))}`
}

/** 26 digits in the product's groups, as in 7710-0626-4051-9056-8468-2609-26 (formats.md 2.1). */
export function newSerialNumber(random: Random = systemRandom): string {
  const digits = Array.from(random(26), (value) => value % 10).join('')
  return digits.match(/\d{1,4}/g)!.join('-')
}
