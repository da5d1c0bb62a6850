import type { z } from 'zod'
import { ETHERTYPE, encodeEthernet } from '../../../src/network/ethernet.ts'
import { runOf } from '../../../src/network/framing.ts'
import {
  type NetworkConfig,
  networkConfigSchema,
  type ServiceWorld,
  VirtualNetwork,
} from '../../../src/network/index.ts'
import { encodeIpv4, IP_PROTOCOL } from '../../../src/network/ipv4.ts'
import { scriptedClock, testStation } from '../../../src/network/testing.ts'
import { encodeUdp } from '../../../src/network/udp.ts'
import type { Random } from '../mutate.ts'

/**
 * Hostile packets for the services of a network: a target names the service's settings and good packets; each case
 * damages some of them and says them, as frames, to a network of its own, whose clock then runs on. Nothing may throw,
 * and what comes back is bounded.
 */
export interface ProtocolTarget {
  readonly config: NetworkConfig
  readonly world?: ServiceWorld
  /** Good packets of one station, in an order that makes sense. */
  readonly packets: (pick: Random) => readonly FuzzPacket[]
  /** Bytes of frames that may be answered for one byte of frames that was said; frames have at least 60. */
  readonly mostAnswerFactor: number
  /** Bytes of frames that a service says by itself during a case. Default: none. */
  readonly unasked?: number
}

export interface FuzzPacket {
  readonly protocol: 'udp' | 'tcp'
  /** Of the network's host; a TCP segment has its own ports. */
  readonly port: number
  readonly sourcePort?: number
  /** Default: the host. */
  readonly destination?: number
  /** Default: the station's. */
  readonly source?: number
  readonly payload: Uint8Array
}

/** @param settings besides the name */
export function fuzzConfig(settings: Partial<NetworkConfigInput>): NetworkConfig {
  return networkConfigSchema.parse({ name: 'Fuzz', key: 'fuzz', ...settings })
}

export const HOST_ADDRESS = 0x0af4_0001
export const STATION = { mac: 0x0003_ff00_0001, address: 0x0af4_0010 }
const BROADCAST_MAC = 0xffff_ffff_ffff
const BROADCAST = 0xffff_ffff
type NetworkConfigInput = z.input<typeof networkConfigSchema>

/** Longer than any timer of a service runs without an answer. */
const SILENCE_MS = 400_000

export interface CaseResult {
  /** All packets were called malformed or not ours. */
  readonly refused: boolean
}

/** @throws what a service threw, or that it answered too much */
export async function runCase(target: ProtocolTarget, pick: Random): Promise<CaseResult> {
  const clock = scriptedClock()
  const network = new VirtualNetwork(target.config, { clock, ...(target.world && { world: target.world }) })
  const station = testStation(network, 'fuzz')
  const hostMac = Number.parseInt(network.status().host!.mac.replaceAll(':', ''), 16)
  let said = 0
  let heard = 0
  const listen = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    for (const frame of station.look()) heard += frame.length
  }
  for (const packet of target.packets(pick)) {
    const frame = frameOf(damaged(packet, pick), hostMac)
    if (pick(10) === 0) damageBytes(frame, pick)
    said += Math.max(60, frame.length)
    station.port.receive(runOf(frame))
    if (pick(3) === 0) clock.pass(pick(3000))
    if (pick(2) === 0) await listen()
  }
  for (let time = 0; time < 4; time++) {
    await listen()
    clock.pass(SILENCE_MS / 4)
  }
  await listen()
  const { answers } = network.status().host!
  network.close()
  await listen()
  if (heard > said * target.mostAnswerFactor + (target.unasked ?? 0))
    throw new Error(`${heard} bytes were answered to ${said}: more than ${target.mostAnswerFactor} times`)
  return { refused: answers.handled === 0 }
}

function damaged(packet: FuzzPacket, pick: Random): FuzzPacket {
  return pick(4) === 0 ? packet : { ...packet, payload: damagedPayload(packet.payload, pick) }
}

export function damagedPayload(good: Uint8Array, pick: Random): Uint8Array {
  let payload = Uint8Array.from(good)
  for (let count = 1 + pick(3); count > 0; count--) {
    const kind = pick(10)
    if (kind < 7) damageBytes(payload, pick)
    else if (kind === 7) payload = payload.slice(0, pick(payload.length + 1))
    else if (kind === 8) {
      const longer = new Uint8Array(Math.min(1472, payload.length + 1 + pick(600))).fill(pick(256))
      longer.set(payload.subarray(0, longer.length))
      payload = longer
    } else {
      // A piece over another, as when a name points to itself.
      const from = pick(payload.length + 1)
      payload.copyWithin(pick(payload.length + 1), from, from + 1 + pick(64))
    }
  }
  return payload
}

const EDGES = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff]

export function damageBytes(bytes: Uint8Array, pick: Random): void {
  if (bytes.length === 0) return
  const at = pick(bytes.length)
  const kind = pick(4)
  if (kind === 0) bytes[at]! ^= 1 << pick(8)
  else if (kind === 1) bytes[at] = EDGES[pick(EDGES.length)]!
  else if (kind === 2) bytes[at] = pick(256)
  else bytes.fill(EDGES[pick(EDGES.length)]!, at, at + 1 + pick(8))
}

function frameOf(packet: FuzzPacket, hostMac: number): Uint8Array {
  const { protocol, port, sourcePort = 2000, destination = HOST_ADDRESS, source = STATION.address } = packet
  const addresses = { source, destination }
  const payload =
    protocol === 'udp'
      ? encodeUdp({ sourcePort, destinationPort: port, payload: packet.payload }, addresses)
      : withTcpChecksum(packet.payload, addresses)
  const header = { protocol: IP_PROTOCOL[protocol], identification: 1, timeToLive: 64 }
  return encodeEthernet({
    destination: destination === BROADCAST ? BROADCAST_MAC : hostMac,
    source: STATION.mac,
    type: ETHERTYPE.ipv4,
    payload: encodeIpv4({ ...addresses, ...header, payload }),
  })
}

/** Damage behind a wrong checksum would go unnoticed. */
function withTcpChecksum(
  segment: Uint8Array,
  { source, destination }: { readonly source: number; readonly destination: number },
): Uint8Array {
  if (segment.length < 20) return segment
  const bytes = Uint8Array.from(segment)
  bytes.set([0, 0], 16)
  let sum =
    (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + 6 + bytes.length
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  bytes.set([(~sum >>> 8) & 0xff, ~sum & 0xff], 16)
  return bytes
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

export const BROADCAST_TO = { destination: BROADCAST, source: 0 } as const
