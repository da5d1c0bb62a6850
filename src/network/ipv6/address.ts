import { readUint16, readUint32, writeMac, writeUint16 } from '../addresses.ts'

/** The 16 bytes of an IPv6 address (RFC 4291, 2.2); undefined when the text is anything else. */
export function parseIpv6(text: string): Uint8Array<ArrayBuffer> | undefined {
  // The platform knows every form of it, and gives it back in the one of RFC 5952.
  if (!/^[0-9a-f:.]{2,45}$/i.test(text) || !URL.canParse(`http://[${text}]`)) return undefined
  const [head = '', tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split('::')
  const groups = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const bytes = new Uint8Array(16)
  for (const [index, group] of groups.entries()) writeUint16(bytes, 2 * index, Number.parseInt(group, 16))
  const from = 8 - last.length
  for (const [index, group] of last.entries())
    writeUint16(bytes, 2 * (from + index), Number.parseInt(group, 16))
  return bytes
}

/** In the form of RFC 5952. */
export function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => readUint16(bytes, 2 * index).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

/** RFC 4291, 2.5.2. */
export const UNSPECIFIED = parseIpv6('::')!
/** RFC 4291, 2.7.1. */
export const ALL_NODES = parseIpv6('ff02::1')!
export const ALL_ROUTERS = parseIpv6('ff02::2')!
const LINK_LOCAL_PREFIX = parseIpv6('fe80::')!
const SOLICITED_NODE_PREFIX = parseIpv6('ff02::1:ff00:0')!

export function isSameAddress(left: Uint8Array, right: Uint8Array): boolean {
  return left.every((byte, index) => byte === right[index])
}

export function isMulticast(address: Uint8Array): boolean {
  return address[0] === 0xff
}

export function isUnspecified(address: Uint8Array): boolean {
  return isSameAddress(address, UNSPECIFIED)
}

/** An address that its station made of its MAC: a modified EUI-64 behind fe80::/64 (RFC 4291, appendix A). */
export function linkLocalAddress(mac: number): Uint8Array<ArrayBuffer> {
  const address = LINK_LOCAL_PREFIX.slice()
  writeMac(address, 8, mac)
  address.copyWithin(13, 11, 14)
  address[8]! ^= 0x02
  address[11] = 0xff
  address[12] = 0xfe
  return address
}

/** Where stations ask who has an address (RFC 4291, 2.7.1). */
export function solicitedNodeGroup(address: Uint8Array): Uint8Array<ArrayBuffer> {
  const group = SOLICITED_NODE_PREFIX.slice()
  group.set(address.subarray(13), 13)
  return group
}

/** The MAC of a group: 33:33 and its last four bytes (RFC 2464, 7). */
export function groupMac(group: Uint8Array): number {
  return 0x3333 * 2 ** 32 + readUint32(group, 12)
}
