import { type ErrorRecord, type Problem, VivariumError } from '../../../base/index.ts'
import type { RunSpec, RunState } from '../../engine.ts'

/** What the server's process asks of the process that runs the emulator. Each call gets one answer. */
export type Call =
  | { readonly method: 'start'; readonly spec: RunSpec }
  | { readonly method: 'pause' }
  | { readonly method: 'resume' }
  | { readonly method: 'reset' }
  /** Flushes, closes and ends the process after the answer. */
  | { readonly method: 'turnOff' }
  | {
      readonly method: 'changeCd'
      readonly channel: number
      readonly unit: number
      readonly image: string | undefined
    }

export interface CallMessage {
  readonly id: number
  readonly call: Call
}

/** What comes back. */
export type Message =
  | { readonly kind: 'answer'; readonly id: number; readonly error?: ErrorRecord }
  | { readonly kind: 'state'; readonly state: RunState }
  | { readonly kind: 'reset'; readonly by: 'guest' | 'host' }
  | { readonly kind: 'guest-off' }
  /** It goes on, or waits for help. */
  | { readonly kind: 'problem'; readonly problem: Problem }
  /** The end. */
  | { readonly kind: 'error'; readonly error: ErrorRecord }

/** Names of the files in a run's folder. Serial ports are named in serial-port.ts. */
export const FILES = { console: 'console.sock', log: 'v86.log' } as const

export function recordOf(error: unknown): ErrorRecord {
  if (error instanceof VivariumError) return error.toJSON()
  const message = error instanceof Error ? error.message : String(error)
  return {
    kind: 'io',
    code: 'v86-crashed',
    message: `The emulator v86 crashed: ${message.split('\n')[0]}.`,
    next: 'Start the machine again; if it happens again, choose QEMU.',
  }
}

export function errorOf({ kind, code, message, where, next }: ErrorRecord): VivariumError {
  return new VivariumError(kind, code, message, {
    ...(where && { where }),
    ...(next !== undefined && { next }),
  })
}
