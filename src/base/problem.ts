/** Which file, and which place in it, an error or a problem is about. */
export interface Where {
  /** The file the error is about. */
  readonly path?: string
  /** Byte offset in that file. */
  readonly offset?: number
  /** Element, key path, field or option name. */
  readonly field?: string
}

/** A fact about a file that a person should know; gathered, never thrown. */
export interface Problem {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'note'
  readonly message: string
  /** What to do about it, one sentence. */
  readonly next?: string | undefined
  readonly where?: Where | undefined
}
