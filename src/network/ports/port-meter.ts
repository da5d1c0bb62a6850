import { noCounters, type PortCounters } from '../counters.ts'
import { CounterHistory } from '../history.ts'

/** What a port has counted. Whoever keeps it plugs a station in again, and the port goes on where it was. */
export class PortMeter {
  readonly counters: PortCounters = noCounters()
  readonly history = new CounterHistory()
}
