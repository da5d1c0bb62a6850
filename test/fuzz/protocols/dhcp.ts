import { encodeDhcp } from '../../../src/network/dhcp/message.ts'
import { OPTION } from '../../../src/network/dhcp/options.ts'
import { type Saying, SERVER, say } from '../../../src/network/dhcp/testing.ts'
import type { Random } from '../mutate.ts'
import { BROADCAST_TO, bytesOf, type FuzzPacket, fuzzConfig, type ProtocolTarget } from './target.ts'

/** Clients, relays and other servers that say DHCP in every state, damaged: addresses are probed, leased and lost. */

const OFFERED = ['10.244.0.16', '10.244.0.17', '10.244.0.254', '10.244.0.1', '192.168.7.20', '0.0.0.0']
const TYPES = ['discover', 'request', 'decline', 'release', 'inform', 'offer', 'ack', 'nak'] as const

function goodMessage(pick: Random): Uint8Array {
  const any = <Item>(items: readonly Item[]) => items[pick(items.length)]!
  const address = any(OFFERED)
  const options: (readonly [number, Uint8Array])[] = [
    [OPTION.parameterRequest, Uint8Array.from({ length: pick(40) }, () => pick(256))],
  ]
  if (pick(2) === 0) options.push([OPTION.hostName, bytesOf(`pc-${pick(4)}`)])
  if (pick(3) === 0) options.push([OPTION.clientId, Uint8Array.from({ length: 1 + pick(20) }, () => pick(3))])
  if (pick(3) === 0) options.push([OPTION.maximumSize, Uint8Array.of(pick(256), pick(256))])
  if (pick(4) === 0) options.push([82, Uint8Array.of(1, 2, pick(256), pick(256))])
  if (pick(4) === 0) options.push([80, new Uint8Array(0)])
  const saying: Saying = {
    mac: `0003ff0000${(16 + pick(12)).toString(16)}`,
    options,
    ...(pick(2) === 0 && { wish: address }),
    ...(pick(2) === 0 && { server: any([SERVER, '10.244.0.2']) }),
    ...(pick(3) === 0 && { ciaddr: address }),
    ...(pick(6) === 0 && { giaddr: any(['192.168.7.1', '10.9.0.1']) }),
  }
  const type = any(TYPES)
  const isReply = type === 'offer' || type === 'ack' || type === 'nak'
  return encodeDhcp({ ...say(type, saying), ...(isReply && { op: 'reply' as const }) })
}

export const dhcpTarget: ProtocolTarget = {
  config: fuzzConfig({
    address: '10.244.0.1/24',
    dhcp: {
      rapidCommit: true,
      end: '10.244.0.31',
      domain: 'lab.example',
      subnets: [{ network: '192.168.7.0', mask: '255.255.255.0' }],
      classes: [{ name: 'any', userClass: { prefix: 'i' }, boot: { file: 'x' } }],
      reservations: [{ mac: '00:03:ff:00:00:10', address: '10.244.0.20' }],
    },
  }),
  packets: (pick) =>
    Array.from({ length: 1 + pick(16) }, (): FuzzPacket => {
      const toClients = pick(8) === 0
      return {
        ...{ protocol: 'udp', port: toClients ? 68 : 67, sourcePort: toClients ? 67 : 68 },
        ...(pick(5) > 0 && BROADCAST_TO),
        payload: goodMessage(pick),
      }
    }),
  // One reply of up to a whole frame for a message of 300 bytes, and the probes of the address before it.
  mostAnswerFactor: 5,
  // It asks now and then whether there is another server.
  unasked: 4096,
}
