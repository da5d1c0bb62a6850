import { fromHex, toHex } from '../../base/index.ts'

/** Virtual PC's own vendor part of a MAC address (formats.md 2.1: in all files seen). */
export const VIRTUAL_PC_OUI = '00:03:ff'

/** "00:03:ff:12:34:56". */
export function formatMac(bytes: Uint8Array): string {
  return toHex(bytes).match(/../g)!.join(':')
}

/** Reads 00:03:ff:12:34:56, 00-03-FF-12-34-56 or 0003FF123456; undefined when it is none of them. */
export function parseMac(text: string): Uint8Array | undefined {
  const isMac = /^[0-9a-f]{2}([:-]?)[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}$/i.test(text)
  return isMac ? fromHex(text.replace(/[:-]/g, '')) : undefined
}

/** A group address: the lowest bit of the first byte (IEEE 802). No adapter may have one. */
export function isGroupAddress(mac: Uint8Array): boolean {
  return (mac[0]! & 1) === 1
}
