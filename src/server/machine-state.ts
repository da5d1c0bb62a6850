import { VivariumError } from '../base/index.ts'

/** Virtual Server's states, those that can occur here; `Invalid`: the machine's file cannot be read now. */
export type MachineState =
  | 'Invalid'
  | 'TurnedOff'
  | 'TurningOn'
  | 'Running'
  | 'Paused'
  | 'TurningOff'
  | 'MergingDrives'

const WORDS: Record<MachineState, string> = {
  Invalid: 'unreadable',
  TurnedOff: 'turned off',
  TurningOn: 'being turned on',
  Running: 'running',
  Paused: 'paused',
  TurningOff: 'being turned off',
  MergingDrives: 'merging its drives',
}

/** @throws VivariumError kind `conflict` unless the machine is in one of the states in which the verb is legal. */
export function demandState(
  machine: { readonly name: string; readonly state: MachineState },
  states: readonly MachineState[],
  verb: string,
): void {
  if (states.includes(machine.state)) return
  throw new VivariumError(
    'conflict',
    'wrong-state',
    `You cannot ${verb} "${machine.name}" while it is ${WORDS[machine.state]}.`,
    { next: `It has to be ${states.map((state) => WORDS[state]).join(' or ')}.` },
  )
}
