import type { ErrorKind } from '../base/index.ts'

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
