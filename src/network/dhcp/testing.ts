import { fromHex } from '../../base/index.ts'
import { formatIpv4, parseIpv4 } from '../addresses.ts'
import { scriptedClock } from '../testing.ts'
import type { BootDesk } from './boot.ts'
import { ClientBook } from './clients.ts'
import { memoryLeases } from './lease-records.ts'
import { type DhcpMessage, MESSAGE_TYPE, messageType } from './message.ts'
import { OPTION, readTextOption, uint32Option } from './options.ts'
import { planDhcp } from './pool.ts'
import { ReplyWriter } from './reply.ts'
import { type DhcpAnswer, DhcpServer } from './server.ts'
import type { DhcpSettings } from './settings.ts'

export const SERVER = '10.244.0.1'
export const ip = (text: string) => parseIpv4(text)!

export interface Saying {
  readonly mac?: string
  readonly ciaddr?: string
  readonly giaddr?: string
  readonly server?: string
  readonly wish?: string
  readonly options?: readonly (readonly [number, Uint8Array])[]
}

export function say(type: keyof typeof MESSAGE_TYPE, saying: Saying = {}): DhcpMessage {
  const options = new Map<number, Uint8Array>([[OPTION.messageType, Uint8Array.of(MESSAGE_TYPE[type])]])
  if (saying.server !== undefined) options.set(OPTION.server, uint32Option(ip(saying.server)))
  if (saying.wish !== undefined) options.set(OPTION.requestedAddress, uint32Option(ip(saying.wish)))
  for (const [code, value] of saying.options ?? []) options.set(code, value)
  return {
    op: 'request',
    hardwareType: 1,
    hops: 0,
    transactionId: 0x1234_5678,
    seconds: 3,
    broadcast: false,
    clientAddress: ip(saying.ciaddr ?? '0.0.0.0'),
    yourAddress: 0,
    nextServer: 0,
    relay: ip(saying.giaddr ?? '0.0.0.0'),
    clientHardware: fromHex(saying.mac ?? '0003ff000001')!,
    serverName: '',
    bootFile: '',
    options,
  }
}

export function openServer(settings: DhcpSettings = {}, boot: BootDesk = { chooser: undefined }) {
  const clock = scriptedClock()
  const neighbours = new Map<number, number>()
  const pool = planDhcp({ probe: false, ...settings })
  const clients = new ClientBook(pool, {
    now: clock.now,
    store: memoryLeases(),
    stored: [],
    neighbour: (address) => neighbours.get(address),
  })
  const server = new DhcpServer(pool, clients, new ReplyWriter(pool, boot))
  const ask = (message: DhcpMessage) => {
    const reply = server.answer(message)
    if (typeof reply === 'string' || 'probe' in reply)
      throw new Error(`expected a reply, not ${JSON.stringify(reply)}`)
    return reply.message
  }
  return { clock, neighbours, leases: clients.tables[0]!, tables: clients.tables, server, ask }
}

/** An answer in one line: type, address, and a refusal's reason. */
export function told(reply: DhcpAnswer): string {
  if (typeof reply === 'string') return reply
  if ('probe' in reply) return `probe ${formatIpv4(reply.probe)}`
  const name = Object.entries(MESSAGE_TYPE).find(([, number]) => number === messageType(reply.message))?.[0]
  const reason = readTextOption(reply.message.options, OPTION.message)
  return [name, formatIpv4(reply.message.yourAddress), reason].filter((part) => part !== undefined).join(' ')
}
