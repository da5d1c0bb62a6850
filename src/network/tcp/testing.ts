import { type ScriptedClock, scriptedClock } from '../testing.ts'
import type { TcpConnection, TcpHandlers } from './connection.ts'
import { TcpEndpoint } from './endpoint.ts'
import { decodeTcp, encodeTcp, FLAG, type TcpSegment } from './segment.ts'
import { advance } from './sequence.ts'

export const HOST = 0x0af4_0001
export const PEER = { mac: 0x0003_ff00_0001, address: 0x0af4_0010, port: 4000 }
export const PORT = 80

/** A service that keeps what it hears. */
export interface TestService {
  readonly heard: string[]
  connection: TcpConnection | undefined
  accept(connection: TcpConnection): TcpHandlers
}

export function testService(own: Partial<TcpHandlers> = {}): TestService {
  const service: TestService = {
    heard: [],
    connection: undefined,
    accept(connection) {
      service.connection = connection
      return {
        data: (bytes) => service.heard.push(new TextDecoder('latin1').decode(bytes)),
        ended: () => service.heard.push('(ended)'),
        closed: () => service.heard.push('(closed)'),
        ...own,
      }
    },
  }
  return service
}

export interface EndpointTest {
  readonly clock: ScriptedClock
  readonly endpoint: TcpEndpoint
  /** Segments sent since the last look. */
  look(): TcpSegment[]
  say(segment: Partial<TcpSegment>, peer?: typeof PEER): void
}

export function endpointTest(mtu = 1500): EndpointTest {
  const clock = scriptedClock()
  const sent: TcpSegment[] = []
  const endpoint = new TcpEndpoint({
    clock,
    address: HOST,
    mtu,
    transmit({ address }, bytes) {
      const segment = decodeTcp(bytes, { source: HOST, destination: address })
      if (typeof segment === 'string') throw new Error(`it sent a segment that is ${segment}`)
      sent.push(segment)
    },
  })
  return {
    clock,
    endpoint,
    look: () => sent.splice(0),
    say(segment, peer = PEER) {
      const whole = { ...QUIET, sourcePort: peer.port, destinationPort: PORT, ...segment }
      const payload = encodeTcp(whole, { source: peer.address, destination: HOST })
      endpoint.receive({ sourceMac: peer.mac, source: peer.address, destination: HOST, payload })
    },
  }
}

const QUIET = { sequence: 0, acknowledgment: 0, flags: FLAG.ack, window: 65_535, payload: new Uint8Array(0) }

/** After the handshake: what the peer sends next, and expects next. */
export function connect(
  { say, look }: EndpointTest,
  syn: Partial<TcpSegment> = {},
  peer = PEER,
): { sequence: number; acknowledgment: number } {
  const first = 0xffff_fff0
  say({ flags: FLAG.syn, sequence: first, maximumSegment: 1460, ...syn }, peer)
  const [synAck] = look()
  if (synAck === undefined) throw new Error('it did not answer the SYN')
  const now = { sequence: advance(first, 1), acknowledgment: advance(synAck.sequence, 1) }
  say({ ...now, ...(syn.window !== undefined && { window: syn.window }) }, peer)
  return now
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function textOf(segment: TcpSegment | undefined): string {
  return new TextDecoder('latin1').decode(segment?.payload)
}
