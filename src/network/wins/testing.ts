import { formatIpv4 } from '../addresses.ts'
import type { NetworkEvent } from '../events.ts'
import { type NetworkSurroundings, VirtualNetwork } from '../network.ts'
import { networkConfigSchema } from '../network-config.ts'
import { scriptedClock } from '../testing.ts'
import { type UdpStation, udpStation } from '../udp-testing.ts'
import {
  addressData,
  decodeNbns,
  encodeNbns,
  FLAG,
  type NbnsMessage,
  OPCODE,
  RCODE,
  readAddresses,
  TYPE,
} from './message.ts'
import type { NetbiosName } from './netbios-name.ts'
import type { WinsSettings } from './settings.ts'

export const SERVER = 0x0a_f4_00_01
export const NET = 0x0a_f4_00_00

/** A network with a WINS server, so many milliseconds after the others. */
export function winsLab(
  wins: WinsSettings = {},
  surroundings: NetworkSurroundings = {},
  later = 0,
  address = '10.244.0.1/24',
) {
  const clock = scriptedClock()
  clock.pass(later)
  const events: NetworkEvent[] = []
  const config = networkConfigSchema.parse({ name: 'Lab', key: 'lab', address, wins })
  const network = new VirtualNetwork(config, { clock, tell: (event) => events.push(event), ...surroundings })
  return {
    ...{ clock, events, network },
    station: (last: number) => udpStation(network, last, NET + last),
    status: () => network.status().services.wins!,
  }
}

export const PLAIN = {
  id: 77,
  isResponse: false,
  opcode: OPCODE.query,
  flags: FLAG.recursionDesired,
  rcode: 0,
  scope: '',
}
export const named = (text: string): NetbiosName => {
  const [, name = '', suffix = ''] = /^(.*)<(..)>$/.exec(text) ?? []
  return { name, suffix: Number.parseInt(suffix, 16) }
}

export function say(station: UdpStation, message: NbnsMessage, more: object = {}): void {
  station.say({ to: SERVER, port: 137, fromPort: 137, payload: encodeNbns(message), ...more })
}

export function heard(station: UdpStation): NbnsMessage[] {
  return station.look().map(({ payload }) => {
    const message = decodeNbns(payload)
    if (message === 'malformed') throw new Error('it heard an answer that is malformed')
    return message
  })
}

export interface Claim {
  readonly opcode?: number
  readonly isGroup?: boolean
  readonly address?: number
  readonly ttlSeconds?: number
}

export function claim(station: UdpStation, text: string, more: Claim = {}): void {
  const {
    opcode = OPCODE.registration,
    isGroup = false,
    address = station.address,
    ttlSeconds = 300_000,
  } = more
  const name = named(text)
  const data = addressData([{ isGroup, nodeType: 3, address }])
  const record = { name, type: TYPE.name, ttlSeconds, data }
  say(station, { ...PLAIN, opcode, question: { name, type: TYPE.name }, record })
}

/** A claim that is answered at once. */
export function rcode(station: UdpStation, text: string, more: Claim = {}): number {
  claim(station, text, more)
  const [answer, ...others] = heard(station)
  if (answer?.id !== PLAIN.id || !answer.isResponse || others.length > 0)
    throw new Error(`it heard ${others.length + (answer ? 1 : 0)} answers`)
  return answer.rcode
}

export const release = (station: UdpStation, text: string, more: Claim = {}) =>
  rcode(station, text, { opcode: OPCODE.release, ...more })

export function query(station: UdpStation, text: string, type: number = TYPE.name): NbnsMessage {
  say(station, { ...PLAIN, question: { name: named(text), type } }, { fromPort: 3000 })
  return heard(station)[0]!
}

export function found(station: UdpStation, text: string): string[] {
  const { rcode, record } = query(station, text)
  if (rcode === RCODE.nameError) return []
  return readAddresses(record!.data)!.map(
    ({ isGroup, address }) => `${isGroup ? 'group ' : ''}${formatIpv4(address)}`,
  )
}
