import type { AnswerCounts } from './answer.ts'
import type { PortCounters } from './counters.ts'
import type { NatStatus } from './nat/router.ts'
import type { ServiceStatus } from './services.ts'
import type { PortStatus, StationStatus } from './switch.ts'
import type { TcpStatus } from './tcp/endpoint.ts'

/** What a network says of itself, as JSON. */

export interface NetworkStatus {
  readonly name: string
  readonly key: string
  /** What is plugged in, without the network's own host. */
  readonly ports: readonly PortStatus[]
  readonly stations: readonly StationStatus[]
  /** Of all ports that there are and were since the switch runs. */
  readonly totals: Readonly<PortCounters>
  /** Absent when no service is configured: then nothing of ours is on the wire. */
  readonly host?: HostStatus
  readonly services: ServiceStatus
  readonly nat?: NatStatus
}

export interface HostStatus {
  readonly mac: string
  readonly address: string
  readonly port: PortStatus
  /** How it answered what it heard. */
  readonly answers: Readonly<AnswerCounts>
  readonly tcp: TcpStatus
}
