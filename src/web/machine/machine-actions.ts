import type { MachineDetails, MachineState, MachineSummary } from '../../api/index.ts'
import { describeRecord } from '../../base/index.ts'
import { STATES } from './machine-states.ts'

export type MachineAction =
  | 'turnOn'
  | 'pause'
  | 'resume'
  | 'reset'
  | 'shutDown'
  | 'turnOff'
  | 'remove'
  | 'configure'
  | 'setUndo'
  | 'commitUndo'
  | 'discardUndo'
  | 'changeCd'
  | 'type'

export const ACTION_LABELS = {
  turnOn: 'Turn on',
  pause: 'Pause',
  resume: 'Resume',
  reset: 'Reset',
  shutDown: 'Press power button',
  turnOff: 'Turn off',
  remove: 'Remove',
  configure: 'Change settings',
  setUndo: 'Change undo disks',
  commitUndo: 'Commit undo disks',
  discardUndo: 'Discard undo disks',
  changeCd: 'Change CD',
  type: 'Type text',
} as const satisfies Record<MachineAction, string>

const OFF = ['turnOn', 'remove', 'configure', 'setUndo', 'commitUndo', 'discardUndo'] as const

/** What a state allows; a machine in motion allows nothing until it has arrived. */
export const ALLOWED = {
  Invalid: ['remove'],
  TurnedOff: OFF,
  Saved: OFF,
  TurningOn: [],
  Restoring: [],
  Running: ['pause', 'reset', 'shutDown', 'turnOff', 'changeCd', 'type'],
  Paused: ['resume', 'reset', 'turnOff', 'changeCd'],
  Saving: [],
  TurningOff: [],
  MergingDrives: [],
} as const satisfies Record<MachineState, readonly MachineAction[]>

/** The one action that a person most likely wants now. */
export const PRIMARY = {
  Invalid: 'remove',
  TurnedOff: 'turnOn',
  Saved: 'turnOn',
  TurningOn: 'pause',
  Restoring: 'pause',
  Running: 'pause',
  Paused: 'resume',
  Saving: 'turnOn',
  TurningOff: 'turnOn',
  MergingDrives: 'turnOn',
} as const satisfies Record<MachineState, MachineAction>

/** Why an action is not possible now, as a sentence; undefined = it is. */
export function whyNot(action: MachineAction, machine: MachineSummary | MachineDetails): string | undefined {
  const allowed: readonly MachineAction[] = ALLOWED[machine.state]
  if (!allowed.includes(action)) return stateReason(action, machine.state)
  if ((action === 'commitUndo' || action === 'discardUndo') && !machine.undo.pending)
    return 'There are no undo disks with changes.'
  if (action === 'setUndo' && machine.undo.pending)
    return 'Commit or discard the changes on the undo disks first.'
  if (action === 'shutDown' && machine.engine?.name === 'v86')
    return 'The v86 engine has no power button; shut the guest down from inside.'
  if (action === 'turnOn' && 'refusals' in machine && machine.refusals[0] !== undefined)
    return describeRecord(machine.refusals[0])
  return undefined
}

function stateReason(action: MachineAction, state: MachineState): string {
  if (state === 'Invalid') return "The machine's file cannot be read now; see its problems."
  const { label, busy, on } = STATES[state]
  if (busy) return `It is ${label.toLowerCase()}; wait a moment.`
  if (action === 'turnOn') return 'It is on already.'
  if (action === 'resume') return 'It is not paused.'
  if (on) return state === 'Paused' ? 'It is paused; resume it first.' : 'Turn it off first.'
  return 'It is turned off.'
}
