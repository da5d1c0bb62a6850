import type { Where } from './errors.ts'

/** A fact about a file that a person should know; gathered, never thrown. */
export interface Problem {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'note'
  readonly message: string
  /** What to do about it, one sentence. */
  readonly next?: string | undefined
  readonly where?: Where | undefined
}
