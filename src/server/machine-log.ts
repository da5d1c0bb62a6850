import { type ErrorRecord, VivariumError } from '../base/index.ts'
import type { RunningMachine } from '../engine/index.ts'
import type { EventLog } from './event-log.ts'

/** What one machine has to tell, in the event log of the server. */
export class MachineLog {
  readonly #machine: { readonly id: string; readonly name: string }
  readonly #events: EventLog

  constructor(machine: { readonly id: string; readonly name: string }, events: EventLog) {
    this.#machine = machine
    this.#events = events
  }

  add(severity: 'info' | 'warning' | 'error', code: string, message: string): void {
    const { id: machineId, name: machineName } = this.#machine
    this.#events.add({ severity, source: 'machine', code, message, machineId, machineName })
  }

  /** Tells a failure, and answers it as it is kept. `what` is the beginning of a sentence. */
  addFailure(error: unknown, code: string, what: string): ErrorRecord {
    const known =
      error instanceof VivariumError
        ? error
        : new VivariumError('io', 'unexpected', error instanceof Error ? error.message : String(error))
    this.add('error', code, withNext(`${what}: ${known.message}`, known.next))
    return known.toJSON()
  }

  /** Tells from now on what the engine reports of a run, but for its states and its errors. */
  follow({ events }: RunningMachine): void {
    const machine = this.#machine
    events.on('problem', ({ severity, code, message, next }) =>
      this.add(
        severity === 'note' ? 'info' : severity,
        code,
        withNext(`"${machine.name}": ${message}`, next),
      ),
    )
    events.on('guest-off', () =>
      this.add('info', 'guest-off', `"${machine.name}" was shut down by its guest.`),
    )
    events.on('reset', ({ by }) => {
      if (by === 'guest') this.add('info', 'guest-reset', `"${machine.name}" was restarted by its guest.`)
    })
  }
}

function withNext(sentence: string, next: string | undefined): string {
  return next === undefined ? sentence : `${sentence} ${next}`
}
