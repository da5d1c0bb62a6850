import type { Answer } from './answer.ts'

/** Where a network's own station is, and what its services hear and say there. */

export interface HostAddress {
  readonly mac: number
  readonly address: number
  readonly mask: number
  /** Longest packet of its network, in bytes. Default: Ethernet's 1500, which is also the most. */
  readonly mtu?: number
}

export interface Datagram {
  readonly sourceMac: number
  readonly source: number
  readonly sourcePort: number
  readonly destination: number
  readonly destinationPort: number
  readonly payload: Uint8Array
}

export interface OutgoingDatagram {
  readonly mac: number
  /** Default: the host's own address. */
  readonly source?: number
  readonly destination: number
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Uint8Array
}

export type Listener = (datagram: Datagram) => Answer
