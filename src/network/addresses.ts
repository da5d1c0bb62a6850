/**
 * Addresses are numbers inside this room (a MAC has 48 bits, an IPv4 address 32, both unsigned), so that they
 * compare, count and serve as keys without any work, and text at its doors: "00:03:ff:12:34:56", "10.244.0.16".
 */

export const BROADCAST_MAC = 0xffff_ffff_ffff
export const BROADCAST_ADDRESS = 0xffff_ffff

export function readUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

export function writeUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  writeUint16(bytes, at, value >>> 16)
  writeUint16(bytes, at + 2, value & 0xffff)
}

export function readMac(bytes: Uint8Array, at: number): number {
  return readUint16(bytes, at) * 0x1_0000_0000 + readUint32(bytes, at + 2)
}

export function writeMac(bytes: Uint8Array, at: number, mac: number): void {
  writeUint16(bytes, at, Math.floor(mac / 0x1_0000_0000))
  writeUint32(bytes, at + 2, mac % 0x1_0000_0000)
}

export function formatMac(mac: number): string {
  const hex = mac.toString(16).padStart(12, '0')
  return hex.replace(/(..)(?=.)/g, '$1:')
}

/** "00:03:ff:12:34:56", also with dashes or without marks, either case; undefined when it is anything else. */
export function parseMac(text: string): number | undefined {
  const pattern = /^(?:[0-9a-f]{12}|[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5})$/i
  return pattern.test(text) ? Number.parseInt(text.replace(/[:-]/g, ''), 16) : undefined
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')
}

/** Four decimal numbers without leading zeroes; undefined when it is anything else. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let address = 0
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    address = address * 256 + Number(part)
  }
  return address
}
