import { asciiBytes } from '../../base/index.ts'
import { BROADCAST_ADDRESS, BROADCAST_MAC } from '../addresses.ts'
import type { Answer } from '../answer.ts'
import { type BootAnswer, bootRequest } from '../dhcp/boot.ts'
import {
  clientMac,
  type DhcpMessage,
  decodeDhcp,
  encodeDhcp,
  MESSAGE_TYPE,
  messageType,
} from '../dhcp/message.ts'
import { type DhcpOptions, OPTION, uint32Option } from '../dhcp/options.ts'
import type { NetworkHost } from '../host.ts'
import type { Datagram } from '../host-address.ts'
import { bootClientOf, chooseBoot } from './choose.ts'
import type { PxeOptions } from './settings.ts'
import { bootItemOption, itemType, noDiscoveryOption, PXE_OPTION, readBootItem } from './vendor-options.ts'

/**
 * Answers that give no address: beside another DHCP server at port 67 ("proxyDHCP"), and to those who ask the boot
 * server itself at port 4011 ("BINL"). PXE 2.1, 2.2.1 and 2.2.2; the messages are DHCP's.
 */
export const BINL_PORT = 4011
export const DHCP_SERVER_PORT = 67
const DHCP_CLIENT_PORT = 68
/** RFC 2132, 9.10, less IP and UDP: more the client has to ask for. */
const MAXIMUM_BYTES = 1472

export interface ProxySurroundings {
  readonly host: NetworkHost
  readonly pxe: PxeOptions
}

/** At port 67: an offer to whoever looks for a server and boots. The client's address comes from elsewhere. */
export function answerDiscover(datagram: Datagram, { host, pxe }: ProxySurroundings): Answer {
  const message = decodeDhcp(datagram.payload)
  if (typeof message === 'string') return message
  const mac = clientMac(message)
  const isDiscover = message.op === 'request' && messageType(message) === MESSAGE_TYPE.discover
  // A relay would not know where an answer without an address goes.
  if (!isDiscover || mac === undefined || message.relay !== 0) return 'not-mine'
  const boot = chooseBoot(bootRequest(mac, message.options), pxe, host.where.address)
  if (boot === undefined) return 'not-mine'
  host.sendDatagram({
    mac: BROADCAST_MAC,
    destination: BROADCAST_ADDRESS,
    sourcePort: DHCP_SERVER_PORT,
    destinationPort: DHCP_CLIENT_PORT,
    payload: encodeReply(message, MESSAGE_TYPE.offer, boot, host.where.address),
  })
  return 'handled'
}

/** At port 4011: the file of the item that was chosen, or that of the machine's kind. */
export function answerBinl(datagram: Datagram, { host, pxe }: ProxySurroundings): Answer {
  const message = decodeDhcp(datagram.payload)
  if (typeof message === 'string') return message
  const mac = clientMac(message)
  const type = messageType(message)
  const isQuestion = type === MESSAGE_TYPE.request || type === MESSAGE_TYPE.inform
  // An answer to everybody's question, or to nobody's address, would go astray.
  const isForUs = datagram.destination === host.where.address && datagram.source !== 0
  if (message.op !== 'request' || !isQuestion || mac === undefined || !isForUs) return 'not-mine'
  const boot = binlAnswer(message, mac, host.where.address, pxe)
  if (boot === undefined) return 'not-mine'
  const { sourceMac, source, sourcePort } = datagram
  host.sendDatagram({
    mac: sourceMac,
    destination: source,
    sourcePort: BINL_PORT,
    destinationPort: sourcePort,
    payload: encodeReply(message, MESSAGE_TYPE.ack, boot, host.where.address),
  })
  return 'handled'
}

function binlAnswer(
  message: DhcpMessage,
  mac: number,
  address: number,
  pxe: PxeOptions,
): BootAnswer | undefined {
  const request = bootRequest(mac, message.options)
  const item = readBootItem(message.options.get(PXE_OPTION.vendor))
  const { romMenu } = pxe
  if (item === undefined || romMenu === undefined || bootClientOf(request) === undefined) {
    // Whoever comes here has chosen already: the menu again would lead in a circle.
    const { romMenu: _, ...withoutMenu } = pxe
    return chooseBoot(request, withoutMenu, address)
  }
  const chosen = romMenu.items.find(
    ({ file }, index) => file !== undefined && itemType(romMenu, index) === item.type,
  )
  if (chosen?.file === undefined || chosen.server !== undefined) return undefined
  const options = new Map([[PXE_OPTION.vendor as number, bootItemOption(item)]])
  return { nextServer: address, file: chosen.file, options }
}

/** PXE 2.1, table 2-4 and 2-7: no address, no lease, and the client's own class and identifier again. */
function encodeReply(message: DhcpMessage, type: number, boot: BootAnswer, address: number): Uint8Array {
  const options = new Map<number, Uint8Array>([
    [OPTION.messageType, Uint8Array.of(type)],
    [OPTION.server, uint32Option(address)],
    [OPTION.vendorClass, asciiBytes('PXEClient')],
  ])
  const uuid = message.options.get(PXE_OPTION.uuid)
  if (uuid !== undefined) options.set(PXE_OPTION.uuid, uuid)
  if (boot.options?.has(PXE_OPTION.vendor) !== true) options.set(PXE_OPTION.vendor, noDiscoveryOption())
  for (const [code, value] of boot.options ?? new Map<number, Uint8Array>()) options.set(code, value)
  const file = boot.file ?? ''
  // A name that the field does not hold goes into its option (RFC 2132, 9.5).
  if (file.length > 127) options.set(OPTION.bootFile, asciiBytes(file))
  return encodeDhcp(reply(message, options, boot, file), MAXIMUM_BYTES)
}

function reply(message: DhcpMessage, options: DhcpOptions, boot: BootAnswer, file: string): DhcpMessage {
  return {
    op: 'reply',
    hardwareType: message.hardwareType,
    hops: 0,
    transactionId: message.transactionId,
    seconds: 0,
    broadcast: message.broadcast,
    clientAddress: message.clientAddress,
    yourAddress: 0,
    nextServer: boot.nextServer ?? 0,
    relay: 0,
    clientHardware: message.clientHardware,
    serverName: boot.serverName ?? '',
    bootFile: file.length > 127 ? '' : file,
    options,
  }
}
