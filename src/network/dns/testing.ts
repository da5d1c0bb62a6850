import { type NetworkSurroundings, VirtualNetwork } from '../network.ts'
import { networkConfigSchema } from '../network-config.ts'
import { scriptedClock } from '../testing.ts'
import { type UdpStation, udpStation } from '../udp-testing.ts'
import { encodeDns } from './encode.ts'
import { type DnsMessage, decodeDns } from './message.ts'
import { recordText } from './record-text.ts'
import type { DnsSettings } from './settings.ts'
import { CLASS, TYPE } from './types.ts'

export const SERVER = 0x0a_f4_00_01
export const STATION = 0x0a_f4_00_14

export const PLAIN: DnsMessage = {
  id: 4711,
  isResponse: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 0,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
}

export function query(name: string, type: keyof typeof TYPE, more: Partial<DnsMessage> = {}): DnsMessage {
  return { ...PLAIN, questions: [{ name, type: TYPE[type], class: CLASS.IN }], ...more }
}

/** A network with a DNS server, and a station at 10.244.0.20 that asks it. */
export function dnsLab(dns: DnsSettings = {}, surroundings: NetworkSurroundings = {}, more: object = {}) {
  const clock = scriptedClock()
  const config = networkConfigSchema.parse({
    ...{ name: 'Lab', key: 'lab', address: '10.244.0.1/24', dns: { domain: 'lab.example', ...dns } },
    ...more,
  })
  const network = new VirtualNetwork(config, { clock, ...surroundings })
  const station = udpStation(network, 0x0003_ff00_0014, STATION)
  return {
    ...{ clock, network, station },
    /** An answer that comes at once. */
    ask: (name: string, type: keyof typeof TYPE = 'A', more: Partial<DnsMessage> = {}) =>
      exchange(station, query(name, type, more)),
    send: (message: DnsMessage, from = station) => exchange(from, message),
  }
}

export function tell(station: UdpStation, payload: Uint8Array): void {
  station.say({ to: SERVER, port: 53, fromPort: 3000, payload })
}

export function exchange(station: UdpStation, message: DnsMessage): DnsMessage {
  tell(station, encodeDns(message))
  return heard(station)
}

export function heard(station: UdpStation): DnsMessage {
  const [first, ...more] = station.look()
  if (first === undefined || more.length > 0)
    throw new Error(`it heard ${more.length + (first ? 1 : 0)} answers`)
  const message = decodeDns(first.payload)
  if (message === 'malformed') throw new Error('it heard an answer that is malformed')
  return message
}

/** The records of a section, as in a zone file. */
export function texts(records: DnsMessage['answers']): string[] {
  return records.map((record) => {
    const { name, ttlSeconds, type, value } = recordText(record, 'settings')
    return `${name} ${ttlSeconds} ${type} ${value}`
  })
}
