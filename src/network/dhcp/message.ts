import { asciiBytes, asciiOf } from '../../base/index.ts'
import { readMac, readUint16, readUint32, writeUint16, writeUint32 } from '../addresses.ts'
import type { Refusal } from '../answer.ts'
import { type DhcpOptions, OPTION } from './options.ts'

/**
 * DHCP messages (RFC 2131, section 2, figure 1; options RFC 2132).
 *
 *     0    1       2      3      4     8      10      12       16       20       24       28
 *     | op | htype | hlen | hops | xid | secs | flags | ciaddr | yiaddr | siaddr | giaddr | chaddr (16) ...
 *     44            108         236            240
 *     | sname (64) | file (128) | magic cookie | options ... 255 |
 */
export interface DhcpMessage {
  readonly op: 'request' | 'reply'
  /** 1 = Ethernet. */
  readonly hardwareType: number
  readonly hops: number
  readonly transactionId: number
  readonly seconds: number
  /** The client cannot receive unicast before it has an address (section 4.1). */
  readonly broadcast: boolean
  readonly clientAddress: number
  readonly yourAddress: number
  readonly nextServer: number
  readonly relay: number
  /** `hlen` bytes, at most 16. */
  readonly clientHardware: Uint8Array
  readonly serverName: string
  readonly bootFile: string
  readonly options: DhcpOptions
}

export const MESSAGE_TYPE = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const

const OPTIONS_OFFSET = 240
const MAGIC_COOKIE = 0x63825363
const BROADCAST_FLAG = 0x8000
/** RFC 1542, 2.1: some BOOTP clients and relays refuse anything shorter. */
const MINIMUM_BYTES = 300
/** Every client takes a 576-byte IP datagram (RFC 2131, section 2): 20 of IP and 8 of UDP come off. */
export const DEFAULT_MAXIMUM_BYTES = 548

/** `not-mine`: BOOTP without the cookie of RFC 1497. `malformed`: cut short, or an option that runs out of it. */
export function decodeDhcp(bytes: Uint8Array): DhcpMessage | Refusal {
  if (bytes.length < OPTIONS_OFFSET) return 'malformed'
  if (readUint32(bytes, 236) !== MAGIC_COOKIE) return 'not-mine'
  const hardwareBytes = bytes[2]!
  if ((bytes[0] !== 1 && bytes[0] !== 2) || hardwareBytes > 16) return 'malformed'
  const parts = new Map<number, Uint8Array[]>()
  if (!readOptions(bytes.subarray(OPTIONS_OFFSET), parts)) return 'malformed'
  // RFC 2132, 9.3: 1 = the file field holds options, 2 = the server name does, 3 = both; read in that order.
  const overload = parts.get(OPTION.overload)?.[0]?.[0] ?? 0
  if (overload & 1 && !readOptions(bytes.subarray(108, 236), parts)) return 'malformed'
  if (overload & 2 && !readOptions(bytes.subarray(44, 108), parts)) return 'malformed'
  return {
    op: bytes[0] === 1 ? 'request' : 'reply',
    hardwareType: bytes[1]!,
    hops: bytes[3]!,
    transactionId: readUint32(bytes, 4),
    seconds: readUint16(bytes, 8),
    broadcast: (readUint16(bytes, 10) & BROADCAST_FLAG) !== 0,
    clientAddress: readUint32(bytes, 12),
    yourAddress: readUint32(bytes, 16),
    nextServer: readUint32(bytes, 20),
    relay: readUint32(bytes, 24),
    clientHardware: bytes.slice(28, 28 + hardwareBytes),
    serverName: overload & 2 ? '' : readText(bytes.subarray(44, 108)),
    bootFile: overload & 1 ? '' : readText(bytes.subarray(108, 236)),
    options: new Map([...parts].map(([code, values]) => [code, joined(values)])),
  }
}

/**
 * Options that would make the message longer than `maximumBytes` are left out from the end (a client's limit is
 * binding, RFC 2132, 9.10), so the caller orders them by importance. An option longer than 255 bytes is split
 * (RFC 3396, section 5).
 */
export function encodeDhcp(
  message: DhcpMessage,
  maximumBytes = DEFAULT_MAXIMUM_BYTES,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(maximumBytes, MINIMUM_BYTES))
  bytes[0] = message.op === 'request' ? 1 : 2
  bytes[1] = message.hardwareType
  bytes[2] = message.clientHardware.length
  bytes[3] = message.hops
  writeUint32(bytes, 4, message.transactionId)
  writeUint16(bytes, 8, message.seconds)
  writeUint16(bytes, 10, message.broadcast ? BROADCAST_FLAG : 0)
  writeUint32(bytes, 12, message.clientAddress)
  writeUint32(bytes, 16, message.yourAddress)
  writeUint32(bytes, 20, message.nextServer)
  writeUint32(bytes, 24, message.relay)
  bytes.set(message.clientHardware, 28)
  bytes.set(asciiBytes(message.serverName).subarray(0, 63), 44)
  bytes.set(asciiBytes(message.bootFile).subarray(0, 127), 108)
  writeUint32(bytes, 236, MAGIC_COOKIE)
  const end = writeOptions(bytes, message.options)
  return bytes.subarray(0, Math.max(end, MINIMUM_BYTES))
}

export function messageType(message: DhcpMessage): number | undefined {
  const bytes = message.options.get(OPTION.messageType)
  return bytes?.length === 1 ? bytes[0] : undefined
}

/** The client's MAC; undefined when its hardware is not Ethernet. */
export function clientMac(message: DhcpMessage): number | undefined {
  return message.hardwareType === 1 && message.clientHardware.length === 6
    ? readMac(message.clientHardware, 0)
    : undefined
}

/** False when an option runs past the end. A missing end mark is common and harmless. */
function readOptions(bytes: Uint8Array, parts: Map<number, Uint8Array[]>): boolean {
  let at = 0
  while (at < bytes.length) {
    const code = bytes[at]!
    if (code === OPTION.end) return true
    if (code === OPTION.pad) {
      at++
      continue
    }
    const end = at + 2 + (bytes[at + 1] ?? bytes.length)
    if (end > bytes.length) return false
    const values = parts.get(code)
    if (values === undefined) parts.set(code, [bytes.slice(at + 2, end)])
    else values.push(bytes.slice(at + 2, end))
    at = end
  }
  return true
}

/** What a relay said of the client comes last, and whole (RFC 3046, 2.1 and 2.2). */
function writeOptions(bytes: Uint8Array, options: DhcpOptions): number {
  const relayed = options.get(OPTION.relayInformation)
  const room = bytes.length - 1 - (relayed === undefined ? 0 : optionLength(relayed))
  let at = OPTIONS_OFFSET
  for (const [code, value] of options) {
    if (code === OPTION.relayInformation) continue
    if (at + optionLength(value) > room) break
    at = writeOption(bytes, at, code, value)
  }
  if (relayed !== undefined) at = writeOption(bytes, at, OPTION.relayInformation, relayed)
  bytes[at] = OPTION.end
  return at + 1
}

function optionLength(value: Uint8Array): number {
  return value.length + 2 * Math.max(1, Math.ceil(value.length / 255))
}

function writeOption(bytes: Uint8Array, start: number, code: number, value: Uint8Array): number {
  let at = start
  for (let from = 0; from === 0 || from < value.length; from += 255) {
    const part = value.subarray(from, from + 255)
    bytes[at] = code
    bytes[at + 1] = part.length
    bytes.set(part, at + 2)
    at += 2 + part.length
  }
  return at
}

/** An option that comes several times is one value in pieces (RFC 3396, section 7). */
function joined(values: readonly Uint8Array[]): Uint8Array {
  if (values.length === 1) return values[0]!
  const whole = new Uint8Array(values.reduce((sum, value) => sum + value.length, 0))
  let at = 0
  for (const value of values) {
    whole.set(value, at)
    at += value.length
  }
  return whole
}

function readText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return asciiOf(end === -1 ? bytes : bytes.subarray(0, end))
}
