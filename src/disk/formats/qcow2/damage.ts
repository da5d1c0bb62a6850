import { type ByteStore, VivariumError } from '../../../base/index.ts'
import { NEXT_CHECK } from '../../next-steps.ts'

/** Where in the file, and in which structure, it contradicts itself. */
export interface Place {
  readonly offset?: number
  readonly field?: string
}

export function corrupt(
  store: ByteStore,
  code: string,
  message: string,
  place: Place = {},
  cause?: unknown,
): VivariumError {
  return new VivariumError('corrupt', code, message, {
    where: { path: store.name, ...place },
    cause,
    next: NEXT_CHECK,
  })
}
