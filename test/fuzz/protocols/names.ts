import { encodeDns } from '../../../src/network/dns/encode.ts'
import { type DnsMessage, decodeDns } from '../../../src/network/dns/message.ts'
import {
  addressRecord,
  authorityRecord,
  type DnsRecord,
  exchangeData,
  nameRecord,
  record,
} from '../../../src/network/dns/record.ts'
import { PLAIN, query } from '../../../src/network/dns/testing.ts'
import { CLASS, OPCODE, TYPE } from '../../../src/network/dns/types.ts'
import type { ServiceWorld } from '../../../src/network/index.ts'
import {
  addressData,
  encodeNbns,
  OPCODE as NBNS,
  type NbnsMessage,
} from '../../../src/network/wins/message.ts'
import type { Random } from '../mutate.ts'
import { type FuzzPacket, fuzzConfig, type ProtocolTarget, STATION } from './target.ts'

/** The name services: DNS with its zones, updates and a forwarder that lies, and WINS. */

const DOMAIN = 'lab.example'
const udp = (port: number, payload: Uint8Array, sourcePort: number): FuzzPacket => ({
  ...{ protocol: 'udp', port, payload, sourcePort },
})

const text = {
  name: 'long',
  type: 'TXT',
  value: Array.from({ length: 4 }, () => `"${'x'.repeat(250)}"`).join(' '),
} as const
const DNS_CONFIG = fuzzConfig({
  address: '10.244.0.1/24',
  dns: {
    domain: DOMAIN,
    updates: 'all',
    forwarders: ['192.0.2.1', 'host'],
    records: [
      text,
      { name: '*.apps', type: 'A', value: '10.244.0.8' },
      { name: 'www', type: 'CNAME', value: 'a.apps' },
      { name: 'out', type: 'CNAME', value: 'www.far.example.' },
      { name: 'loop', type: 'CNAME', value: 'loop' },
      { name: '_ldap._tcp', type: 'SRV', value: '0 100 389 dc1' },
      { name: 'child', type: 'NS', value: 'ns.child' },
    ],
  },
})

const UPDATE: DnsMessage = {
  ...PLAIN,
  opcode: OPCODE.update,
  questions: [{ name: DOMAIN, type: TYPE.SOA, class: CLASS.IN }],
  answers: [{ ...addressRecord(`pc.${DOMAIN}`, 0, 1), class: CLASS.NONE, data: new Uint8Array() }],
  authorities: [
    { ...addressRecord(`pc.${DOMAIN}`, 0, 1), class: CLASS.ANY, data: new Uint8Array() },
    addressRecord(`pc.${DOMAIN}`, 60, STATION.address),
    record(`mail.${DOMAIN}`, TYPE.MX, 60, exchangeData(10, `pc.${DOMAIN}`)),
    nameRecord(`alias.${DOMAIN}`, TYPE.CNAME, 60, `pc.${DOMAIN}`),
  ],
}
const edns = { version: 0, udpBytes: 4096, dnssecOk: true }
const DNS_MESSAGES: readonly DnsMessage[] = [
  query(`long.${DOMAIN}`, 'TXT', { edns }),
  query(`www.${DOMAIN}`, 'A'),
  query(`out.${DOMAIN}`, 'A', { edns }),
  query(`loop.${DOMAIN}`, 'AAAA'),
  query(`_ldap._tcp.${DOMAIN}`, 'SRV'),
  query(`x.child.${DOMAIN}`, 'A'),
  query('www.far.example', 'ANY'),
  query('mail.far.example', 'MX', { edns }),
  query('16.0.244.10.in-addr.arpa', 'PTR'),
  query('pc', 'A'),
  UPDATE,
]

const FAR_RECORDS: readonly DnsRecord[] = [
  addressRecord('www.far.example', 60, 1),
  nameRecord('mail.far.example', TYPE.CNAME, 60, 'www.far.example'),
  record('www.far.example', TYPE.MX, 60, exchangeData(10, 'mail.far.example')),
  record('www.far.example', TYPE.TXT, 60, new Uint8Array(500).fill(99)),
]

/** Its answers are damaged too: each question has its own damage, the same every time. */
const LYING_WORLD: ServiceWorld = {
  hostResolvers: () => [{ address: '192.0.2.2', port: 53 }],
  askResolver: async (bytes) => {
    let state = bytes.subarray(2).reduce((sum, byte) => (Math.imul(sum, 31) + byte) >>> 0, 7)
    const pick: Random = (bound) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * bound)
    }
    const question = decodeDns(bytes)
    if (question === 'malformed' || pick(8) === 0) return undefined
    const authorities = [authorityRecord('far.example', { server: 'ns', serial: 1, negativeSeconds: 30 })]
    const answers = FAR_RECORDS.slice(pick(FAR_RECORDS.length))
    const answer = encodeDns({ ...question, isResponse: true, rcode: pick(5), answers, authorities })
    for (let count = pick(4); count > 0; count--) answer[pick(answer.length)] = pick(256)
    return pick(5) === 0 ? answer.subarray(0, pick(answer.length)) : answer
  },
}

export const dnsTarget: ProtocolTarget = {
  config: DNS_CONFIG,
  world: LYING_WORLD,
  packets: (pick) =>
    Array.from({ length: 1 + pick(6) }, () =>
      udp(53, encodeDns(DNS_MESSAGES[pick(DNS_MESSAGES.length)]!), 2000 + pick(3)),
    ),
  // 1232 bytes and their headers for a frame of 60.
  mostAnswerFactor: 22,
}

function nbns(opcode: number, name: string, suffix: number, isGroup: boolean): NbnsMessage {
  const named = { name: { name, suffix }, type: 0x20 }
  const data = addressData([{ isGroup, nodeType: 3, address: STATION.address }])
  const hasRecord = opcode !== NBNS.query
  return {
    ...{ id: 7, isResponse: false, opcode, flags: 0x10, rcode: 0, scope: '' },
    question: named,
    ...(hasRecord && { record: { ...named, ttlSeconds: 300_000, data } }),
  }
}

const NBNS_MESSAGES: readonly NbnsMessage[] = [
  nbns(NBNS.registration, 'XP1', 0x20, false),
  nbns(NBNS.multihomed, 'XP1', 0x20, false),
  nbns(NBNS.multihomed, 'FILES', 0x20, false),
  nbns(NBNS.registration, 'LAB', 0x1c, true),
  nbns(NBNS.registration, 'LAB', 0x1e, true),
  nbns(NBNS.refresh, 'XP1', 0x20, false),
  nbns(NBNS.release, 'XP1', 0x20, false),
  nbns(NBNS.query, 'XP1', 0x20, false),
  nbns(NBNS.query, 'LAB', 0x1c, false),
  { ...nbns(NBNS.query, '*', 0, false), question: { name: { name: '*', suffix: 0 }, type: 0x21 } },
  { ...nbns(NBNS.registration, 'XP1', 0x20, false), isResponse: true },
]

export const winsTarget: ProtocolTarget = {
  config: fuzzConfig({
    address: '10.244.0.1/24',
    wins: { names: [{ name: 'FILES', address: '10.244.0.9' }] },
  }),
  packets: (pick) =>
    Array.from({ length: 1 + pick(8) }, () => ({
      ...udp(137, encodeNbns(NBNS_MESSAGES[pick(NBNS_MESSAGES.length)]!), 137 + pick(2)),
      source: STATION.address + pick(2),
    })),
  // "Wait", three questions to the old owner, and the answer.
  mostAnswerFactor: 6,
}
