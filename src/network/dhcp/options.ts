import { asciiBytes, asciiOf } from '../../base/index.ts'
import { readUint32, writeUint32 } from '../addresses.ts'

/** DHCP options by number: RFC 2132 (section in the comment) where no other is named. */
export const OPTION = {
  pad: 0, // 3.1
  subnetMask: 1, // 3.3
  router: 3, // 3.5
  dns: 6, // 3.8
  hostName: 12, // 3.14
  domain: 15, // 3.17
  interfaceMtu: 26, // 5.1
  broadcast: 28, // 5.3
  wins: 44, // 8.5
  nodeType: 46, // 8.7
  requestedAddress: 50, // 9.1
  leaseTime: 51, // 9.2
  overload: 52, // 9.3
  messageType: 53, // 9.6
  server: 54, // 9.7
  parameterRequest: 55, // 9.8
  message: 56, // 9.9
  maximumSize: 57, // 9.10
  renewalTime: 58, // 9.11
  rebindingTime: 59, // 9.12
  vendorClass: 60, // 9.13
  clientId: 61, // 9.14
  tftpServer: 66, // 9.4
  bootFile: 67, // 9.5
  userClass: 77, // RFC 3004
  rapidCommit: 80, // RFC 4039
  fullName: 81, // RFC 4702
  relayInformation: 82, // RFC 3046
  architecture: 93, // RFC 4578, 2.1
  searchList: 119, // RFC 3397
  end: 255, // 3.2
} as const

/** Options in the order they are written. */
export type DhcpOptions = ReadonlyMap<number, Uint8Array>

export function uint32Option(value: number): Uint8Array {
  return addressesOption([value])
}

export function addressesOption(addresses: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(addresses.length * 4)
  for (const [index, address] of addresses.entries()) writeUint32(bytes, index * 4, address)
  return bytes
}

export function textOption(text: string): Uint8Array {
  return asciiBytes(text)
}

/** An address, or any other 32-bit value; undefined when the option is absent or has another length. */
export function readUint32Option(options: DhcpOptions, code: number): number | undefined {
  const bytes = options.get(code)
  return bytes?.length === 4 ? readUint32(bytes, 0) : undefined
}

/** Printable ASCII up to the first zero byte (some clients count the terminator); undefined when nothing is left. */
export function readTextOption(options: DhcpOptions, code: number): string | undefined {
  const bytes = options.get(code)
  if (bytes === undefined) return undefined
  const text = asciiOf(bytes)
    .split('\0', 1)[0]!
    .replace(/[^\x20-\x7e]/g, '?')
  return text === '' ? undefined : text
}

/** Names as DNS has them, one after the other (RFC 3397, section 2); without its compression, which some cannot read. */
export function searchListOption(names: readonly string[]): Uint8Array {
  const labels = names.flatMap((name) => [...name.split('.'), ''])
  return Uint8Array.from(labels.flatMap((label) => [label.length, ...asciiBytes(label)]))
}
