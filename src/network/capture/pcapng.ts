import { asciiBytes } from '../../base/index.ts'

/**
 * The blocks of a capture file that Wireshark and tcpdump open (pcapng, draft-ietf-opsawg-pcapng; little-endian,
 * microseconds, Ethernet).
 *
 *     section header | interface description (one for each port) | enhanced packet ... | interface statistics ...
 *
 *     | type | total length | body ... | options ... | total length |      each 32 bits, padded to 32 bits
 */

const BLOCK = { section: 0x0a0d_0d0a, interface: 1, statistics: 5, packet: 6 } as const
const BYTE_ORDER_MAGIC = 0x1a2b_3c4d
const LINKTYPE_ETHERNET = 1
const OPTION = {
  end: 0,
  sectionApplication: 4,
  interfaceName: 2,
  packetFlags: 2,
  packetDropCount: 4,
  statisticsReceived: 4,
  statisticsDropped: 5,
} as const
/** Section 4.3.1: bits 0 and 1 of the flags. */
const FLAGS = { received: 1, sent: 2 } as const

export type PacketDirection = keyof typeof FLAGS

type Option = readonly [code: number, value: Uint8Array]

export interface CapturedPacket {
  readonly interfaceId: number
  /** Milliseconds since 1970, with fractions. */
  readonly time: number
  readonly direction: PacketDirection
  readonly frame: Uint8Array
  /** Bytes of the frame that are kept. */
  readonly snapLength: number
  /** How many were lost before this one. */
  readonly dropped: number
}

/** Section 4.1. The length of the section is not known beforehand. */
export function sectionHeader(application: string): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(16)
  const view = new DataView(body.buffer)
  view.setUint32(0, BYTE_ORDER_MAGIC, true)
  view.setUint16(4, 1, true)
  view.setBigInt64(8, -1n, true)
  return block(BLOCK.section, body, [[OPTION.sectionApplication, asciiBytes(application)]])
}

/** Section 4.2. */
export function interfaceDescription(name: string, snapLength: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(8)
  const view = new DataView(body.buffer)
  view.setUint16(0, LINKTYPE_ETHERNET, true)
  view.setUint32(4, snapLength, true)
  return block(BLOCK.interface, body, [[OPTION.interfaceName, new TextEncoder().encode(name)]])
}

/** Section 4.3. */
export function enhancedPacket(packet: CapturedPacket): Uint8Array<ArrayBuffer> {
  const { interfaceId, time, direction, frame, snapLength, dropped } = packet
  const kept = frame.subarray(0, snapLength)
  const body = new Uint8Array(20 + padded(kept.length))
  const view = new DataView(body.buffer)
  view.setUint32(0, interfaceId, true)
  setTime(view, 4, time)
  view.setUint32(12, kept.length, true)
  view.setUint32(16, frame.length, true)
  body.set(kept, 20)
  const options: Option[] = [[OPTION.packetFlags, uint32(FLAGS[direction])]]
  if (dropped > 0) options.push([OPTION.packetDropCount, uint64(dropped)])
  return block(BLOCK.packet, body, options)
}

/** Section 4.6, at the end of a capture. */
export function interfaceStatistics(
  interfaceId: number,
  time: number,
  received: number,
  dropped: number,
): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(12)
  const view = new DataView(body.buffer)
  view.setUint32(0, interfaceId, true)
  setTime(view, 4, time)
  return block(BLOCK.statistics, body, [
    [OPTION.statisticsReceived, uint64(received)],
    [OPTION.statisticsDropped, uint64(dropped)],
  ])
}

function block(type: number, body: Uint8Array, options: readonly Option[]): Uint8Array<ArrayBuffer> {
  const optionBytes = options.reduce((sum, [, value]) => sum + 4 + padded(value.length), 4)
  const bytes = new Uint8Array(12 + body.length + optionBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, type, true)
  view.setUint32(4, bytes.length, true)
  bytes.set(body, 8)
  let at = 8 + body.length
  for (const [code, value] of options) {
    view.setUint16(at, code, true)
    view.setUint16(at + 2, value.length, true)
    bytes.set(value, at + 4)
    at += 4 + padded(value.length)
  }
  view.setUint16(at, OPTION.end, true)
  view.setUint32(bytes.length - 4, bytes.length, true)
  return bytes
}

/** The upper half comes first, whatever the byte order. */
function setTime(view: DataView, at: number, milliseconds: number): void {
  const microseconds = Math.round(milliseconds * 1000)
  view.setUint32(at, Math.floor(microseconds / 2 ** 32), true)
  view.setUint32(at + 4, microseconds % 2 ** 32, true)
}

function padded(length: number): number {
  return (length + 3) & ~3
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true)
  return bytes
}
