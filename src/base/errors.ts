import type { Problem, Where } from './problem.ts'

/**
 * One error class for everything Vivarium throws on purpose.
 *
 * `kind` is for programs that decide (HTTP status, exit code), `code` names the one fact, `message` is for
 * people, `where` says which file and which place, and `next` says what to do about it.
 */
export type ErrorKind =
  | 'invalid' // the caller asked for something impossible
  | 'malformed' // bytes or text do not follow their format
  | 'corrupt' // they follow it, and contradict themselves
  | 'unsupported' // valid, but we do not do it
  | 'not-found'
  | 'conflict' // valid, but not in this state
  | 'busy' // somebody else holds it
  | 'denied' // the caller, or this process, lacks the right
  | 'unavailable' // the host lacks a program, a device, a free port
  | 'io' // the host refused a read or a write

/** What is wrong with one field of several. */
export interface FieldFault {
  /** As `where.field`. */
  readonly field: string
  readonly message: string
}

export interface ErrorDetails {
  readonly where?: Where
  /** The next step for the person who reads it, one sentence. */
  readonly next?: string
  /** Where more than one field may be at fault: all that are. `where` names the first. */
  readonly faults?: readonly FieldFault[]
  readonly cause?: unknown
}

/** What an error looks like on the wire and in `--json`. */
export interface ErrorRecord {
  readonly kind: ErrorKind
  readonly code: string
  readonly message: string
  readonly where?: Where
  readonly next?: string
  readonly faults?: readonly FieldFault[]
}

export class VivariumError extends Error {
  readonly kind: ErrorKind
  /** Kebab-case and stable, for example `vhd-footer-missing`. */
  readonly code: string
  readonly where: Where
  readonly next: string | undefined
  /** Empty where the error is not about fields. */
  readonly faults: readonly FieldFault[]

  constructor(kind: ErrorKind, code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'VivariumError'
    this.kind = kind
    this.code = code
    this.where = details.where ?? {}
    this.next = details.next
    this.faults = details.faults ?? []
  }

  toJSON(): ErrorRecord {
    return {
      kind: this.kind,
      code: this.code,
      message: this.message,
      ...(Object.keys(this.where).length > 0 && { where: this.where }),
      ...(this.next !== undefined && { next: this.next }),
      ...(this.faults.length > 0 && { faults: this.faults }),
    }
  }
}

/** The person's rendering: file and place, what is wrong, what to do. No stack trace. */
export function describeError(error: unknown): string {
  if (!(error instanceof VivariumError)) return error instanceof Error ? error.message : String(error)
  return describeRecord(error.toJSON())
}

/** The same rendering for an error that came over the wire. */
export function describeRecord(record: ErrorRecord): string {
  const { faults = [], next = '' } = record
  // Several fields: a line each, and what to do at the end.
  if (faults.length > 1)
    return [...faults.map(({ field, message }) => `${field}: ${message}`), next].join('\n').trimEnd()
  const { path, offset, field } = record.where ?? {}
  const spot = offset === undefined ? undefined : `at byte 0x${offset.toString(16)}`
  // A field stands in brackets behind its file, and for itself where there is none, as an option does.
  const name = field !== undefined && (path ?? spot) !== undefined ? `(${field})` : field
  const place = [path, spot, name].filter((part) => part !== undefined)
  const head = place.length > 0 && !record.message.includes(place[0]!) ? `${place.join(' ')}: ` : ''
  return `${head}${record.message}${record.next === undefined ? '' : ` ${record.next}`}`
}

/** Turns a thrown error into a problem, for reports that go on after it. Foreign errors are rethrown. */
export function problemFrom(error: unknown, severity: Problem['severity'] = 'error'): Problem {
  if (!(error instanceof VivariumError)) throw error
  const { code, message, where, next } = error.toJSON()
  return { code, severity, message, ...(where && { where }), ...(next !== undefined && { next }) }
}
