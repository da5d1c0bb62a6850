import { type ErrorKind, VivariumError } from '../base/index.ts'
import { isHostFull } from '../system/system-error.ts'

/** 1: understood and refused, or not possible now. 2: wrong usage, or input that cannot be read. */
export const EXIT_OF_KIND = {
  invalid: 2,
  malformed: 2,
  corrupt: 2,
  unsupported: 2,
  'not-found': 2,
  io: 2,
  conflict: 1,
  busy: 1,
  denied: 1,
  unavailable: 1,
} as const satisfies Record<ErrorKind, number>

/** 128 and the number of the signal, as a shell says it of a program that a signal ended. */
const EXIT_OF_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const

export type StopSignal = keyof typeof EXIT_OF_SIGNAL

export const STOP_SIGNALS = Object.keys(EXIT_OF_SIGNAL) as readonly StopSignal[]

const CODE = 'stopped-by-'

/** @param consequence What is true now, a sentence: "Nothing was made." */
export function stoppedBy(signal: StopSignal, consequence: string, cause?: unknown): VivariumError {
  const code = `${CODE}${signal.toLowerCase()}`
  return new VivariumError('unavailable', code, `Stopped. ${consequence}`.trimEnd(), { cause })
}

export function exitCodeOf(error: VivariumError): number {
  const { kind, code } = error
  const signal = STOP_SIGNALS.find((each) => code === `${CODE}${each.toLowerCase()}`)
  if (signal !== undefined) return EXIT_OF_SIGNAL[signal]
  // Refused for a reason of the moment: what was asked for is as good as it was.
  return isHostFull(error) || code === 'host-emfile' ? 1 : EXIT_OF_KIND[kind]
}
