import type { ByteStore, Problem } from '../../base/index.ts'
import { NEXT_COPY_AGAIN, nextConvert, nextRepair } from '../next-steps.ts'
import type { Report, TreatOptions } from './doctor.ts'
import type { Surgery } from './surgery.ts'

/** What every part of the examination of one file needs. */
export interface Patient {
  readonly surgery: Surgery
  /** As the file will be after what was decided so far. */
  readonly store: ByteStore
  readonly path: string
  readonly options: TreatOptions
  readonly report: Report
}

export type Cure = 'repair' | 'convert' | 'hopeless'

export interface Fault {
  readonly code: string
  readonly severity: Problem['severity']
  readonly message: string
  readonly field: string
  readonly offset?: number
  /**
   * `repair`: the doctor heals it; `convert`: he does not, but all of the disk can be read; `hopeless`: neither;
   * `nothing`: it needs no cure; else what to do, in words.
   */
  readonly cure: Cure | 'nothing' | { readonly next: string }
}

export function tell(
  { path, report }: Pick<Patient, 'path' | 'report'>,
  { code, severity, message, field, offset, cure }: Fault,
): void {
  const next =
    cure === 'repair'
      ? nextRepair(path)
      : cure === 'convert'
        ? nextConvert(path)
        : cure === 'hopeless'
          ? NEXT_COPY_AGAIN
          : cure === 'nothing'
            ? undefined
            : cure.next
  report({
    code,
    severity,
    message,
    ...(next !== undefined && { next }),
    where: { path, field, ...(offset !== undefined && { offset }) },
  })
}

export function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}
