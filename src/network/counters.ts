/** Seen from the switch: received = from the station into the switch, sent = to the station. */
export interface PortCounters {
  framesReceived: number
  bytesReceived: number
  framesSent: number
  bytesSent: number
  /** Could not be sent because the port's queue was full, or its cable was pulled. */
  framesDropped: number
  bytesDropped: number
  /** Received, and not an Ethernet frame: too short, or from a group address. */
  framesMalformed: number
  /** Received, and longer than the network's MTU allows. */
  framesOversized: number
  /** Received, and refused by the port's guard. */
  framesBlocked: number
  /** Lost on the line by the port's conditions. */
  framesLost: number
}

export const COUNTERS = [
  'framesReceived',
  'bytesReceived',
  'framesSent',
  'bytesSent',
  'framesDropped',
  'bytesDropped',
  'framesMalformed',
  'framesOversized',
  'framesBlocked',
  'framesLost',
] as const satisfies readonly (keyof PortCounters)[]

export function noCounters(): PortCounters {
  return {
    framesReceived: 0,
    bytesReceived: 0,
    framesSent: 0,
    bytesSent: 0,
    framesDropped: 0,
    bytesDropped: 0,
    framesMalformed: 0,
    framesOversized: 0,
    framesBlocked: 0,
    framesLost: 0,
  }
}

export function addCounters(sum: PortCounters, more: Readonly<PortCounters>): void {
  for (const name of COUNTERS) sum[name] += more[name]
}

export function subtractCounters(sum: PortCounters, less: Readonly<PortCounters>): void {
  for (const name of COUNTERS) sum[name] -= less[name]
}
