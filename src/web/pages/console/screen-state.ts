import type { MachineState } from '../../../api/index.ts'
import { STATES } from '../../machine/machine-states.ts'

export type Connection = 'none' | 'connecting' | 'connected' | 'lost'

/** What lies over the screen. */
export type Cover = 'none' | 'off' | 'invalid' | 'busy' | 'connecting' | 'reconnecting' | 'paused'

export function coverOf(state: MachineState, connection: Connection): Cover {
  if (state === 'Invalid') return 'invalid'
  if (STATES[state].busy) return 'busy'
  if (!STATES[state].on) return 'off'
  if (state === 'Paused') return 'paused'
  if (connection === 'connected') return 'none'
  return connection === 'lost' ? 'reconnecting' : 'connecting'
}

/** Why keys cannot be sent now; undefined = they can. */
export function whyNoKeys(cover: Cover): string | undefined {
  return {
    none: undefined,
    off: 'The machine is turned off.',
    invalid: "The machine's file cannot be read now.",
    busy: 'Wait until the machine is there.',
    connecting: 'Wait for the screen.',
    reconnecting: 'Wait for the screen.',
    paused: 'The machine is paused; resume it first.',
  }[cover]
}
