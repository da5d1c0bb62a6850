import type { MachineState } from '../../api/index.ts'

export interface StateLook {
  /** Virtual Server's words. */
  readonly label: string
  readonly color: string
  /** On its way to another state by itself. */
  readonly busy: boolean
  /** An engine runs it, so there is a console. */
  readonly on: boolean
}

export const STATES = {
  Invalid: { label: 'Not readable', color: 'red', busy: false, on: false },
  TurnedOff: { label: 'Turned off', color: 'gray', busy: false, on: false },
  Saved: { label: 'Saved', color: 'blue', busy: false, on: false },
  TurningOn: { label: 'Turning on', color: 'teal', busy: true, on: false },
  Restoring: { label: 'Restoring', color: 'teal', busy: true, on: false },
  Running: { label: 'Running', color: 'fern', busy: false, on: true },
  Paused: { label: 'Paused', color: 'amber', busy: false, on: true },
  Saving: { label: 'Saving', color: 'blue', busy: true, on: false },
  TurningOff: { label: 'Turning off', color: 'gray', busy: true, on: false },
  MergingDrives: { label: 'Merging drives', color: 'violet', busy: true, on: false },
} as const satisfies Record<MachineState, StateLook>
