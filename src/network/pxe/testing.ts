import { decodeEthernet, ETHERTYPE, encodeEthernet } from '../ethernet.ts'
import { NetworkHost } from '../host.ts'
import type { OutgoingDatagram } from '../host-address.ts'
import { decodeIpv4, encodeIpv4, IP_PROTOCOL } from '../ipv4.ts'
import { EthernetSwitch } from '../switch.ts'
import { type ScriptedClock, scriptedClock, testStation } from '../testing.ts'
import { decodeUdp, encodeUdp } from '../udp.ts'
import type { BootFile } from '../world.ts'

export const HOST = { mac: 0x0256_0000_0001, address: 0x0af4_0001, mask: 0xffff_ff00 }
export const CLIENT = { mac: 0x0003_ff00_0001, address: 0x0af4_0010 }

export interface Heard {
  readonly mac: number
  readonly destination: number
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Uint8Array
}

export interface BootLab {
  readonly clock: ScriptedClock
  readonly host: NetworkHost
  say(datagram: Partial<OutgoingDatagram> & { payload: Uint8Array }, from?: typeof CLIENT): void
  /** Datagrams since the last look, after what waits for files. */
  look(): Promise<Heard[]>
}

/** A station that speaks UDP to the network's host. */
export function bootLab(mtu = 1500): BootLab {
  const clock = scriptedClock()
  const network = new EthernetSwitch(clock)
  network.mtu = mtu
  const guest = testStation(network, 'guest')
  const host = new NetworkHost(network, 'services', { ...HOST, mtu }, clock)
  return {
    clock,
    host,
    say(datagram, from = CLIENT) {
      const whole = { sourcePort: 2000, destinationPort: 69, destination: HOST.address, ...datagram }
      const addresses = { source: from.address, destination: whole.destination }
      const packet = encodeIpv4({
        ...addresses,
        protocol: IP_PROTOCOL.udp,
        identification: 1,
        timeToLive: 64,
        payload: encodeUdp(whole, addresses),
      })
      guest.say(
        encodeEthernet({
          destination: datagram.mac ?? HOST.mac,
          source: from.mac,
          type: ETHERTYPE.ipv4,
          payload: packet,
        }),
      )
    },
    async look() {
      await settled()
      return guest.look().map(heardOf)
    },
  }
}

function heardOf(bytes: Uint8Array): Heard {
  const frame = decodeEthernet(bytes)
  if (typeof frame === 'string') throw new Error(`a frame is ${frame}`)
  const packet = decodeIpv4(frame.payload)
  if (typeof packet === 'string') throw new Error(`a packet is ${packet}`)
  const datagram = decodeUdp(packet.payload, packet)
  if (typeof datagram === 'string') throw new Error(`a datagram is ${datagram}`)
  return { mac: frame.destination, destination: packet.destination, ...datagram }
}

/** Files that are in memory answer within a few turns of the event loop. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
}

export interface MemoryFiles {
  open(path: string): Promise<BootFile | undefined>
  /** Opened and not closed. */
  readonly openFiles: number
}

export function memoryFiles(files: Readonly<Record<string, Uint8Array>>): MemoryFiles {
  let openFiles = 0
  return {
    async open(path) {
      const bytes = files[path]
      if (bytes === undefined) return undefined
      openFiles++
      return {
        size: bytes.length,
        read: async (offset, length) => bytes.subarray(offset, offset + length),
        close: () => {
          openFiles--
        },
      }
    },
    get openFiles() {
      return openFiles
    },
  }
}

/** Bytes of which no two blocks are alike. */
export function patternBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index ^ (index >>> 8) ^ (index >>> 16)) & 0xff)
}
