import { type ByteStore, type Problem, problemFrom, VivariumError } from '../../base/index.ts'
import { probeFormat, readImage } from '../open.ts'
import type { Doctor, TreatOptions } from './doctor.ts'
import { qcow2Doctor } from './qcow2/qcow2.ts'
import { Surgery } from './surgery.ts'
import { vdiDoctor } from './vdi.ts'
import { vhdDoctor } from './vhd/vhd.ts'
import { vhdxDoctor } from './vhdx/vhdx.ts'
import { vmdkDoctor } from './vmdk.ts'

export type { Doctor, TreatOptions } from './doctor.ts'
export type { ParentRecord } from './reparent/parent-record.ts'
export { planReparent } from './reparent/reparent.ts'
export { type Act, type ChangedRange, Surgery } from './surgery.ts'

/** One doctor a format; those without one have nothing to be repaired. */
const doctors: readonly Doctor[] = [vhdxDoctor, qcow2Doctor, vdiDoctor, vmdkDoctor, vhdDoctor]

export interface Diagnosis {
  readonly format: string
  readonly problems: readonly Problem[]
  /** What would be done. Without acts there is nothing to do, or nothing can be done. */
  readonly surgery: Surgery
  /** What would still be wrong afterwards. */
  readonly remaining: readonly Problem[]
}

/** Who can look at a file: by the format it has, by the name it is given, or by what is left of it. */
export function doctorFor(store: ByteStore, format?: string): Doctor | undefined {
  const known = format ?? probed(store)
  if (known !== undefined) return doctors.find((doctor) => doctor.format === known)
  return doctors.find((doctor) => doctor.recognises(store, store.name))
}

function probed(store: ByteStore): string | undefined {
  try {
    return probeFormat(store)?.name
  } catch (error) {
    if (error instanceof VivariumError) return undefined
    throw error
  }
}

/**
 * Examines a file, and plans its repair without changing anything. Yields the part that is done, 0 to 1; the plan is
 * proven by examining its outcome in the same way, and by the format's own reader.
 */
export function* diagnose(
  store: ByteStore,
  doctor: Doctor,
  options: TreatOptions,
): Generator<number, Diagnosis> {
  const problems: Problem[] = []
  const surgery = new Surgery(store)
  yield* treat(doctor, surgery, problems, options)
  const remaining: Problem[] = []
  if (surgery.acts.length > 0) {
    yield* treat(doctor, new Surgery(surgery.store), remaining, options)
    remaining.push(...readerProblems(surgery.store, doctor.format))
  }
  return { format: doctor.format, problems: unique(problems), surgery, remaining: unique(remaining) }
}

function* treat(
  doctor: Doctor,
  surgery: Surgery,
  problems: Problem[],
  options: TreatOptions,
): Generator<number, void> {
  try {
    yield* doctor.treat(surgery, (problem) => problems.push(problem), options)
  } catch (error) {
    problems.push(problemFrom(error))
  }
}

function readerProblems(store: ByteStore, format: string): Problem[] {
  try {
    const image = readImage(store, { format })
    return [...image.facts.problems, ...image.survey().problems].filter(
      ({ severity }) => severity === 'error',
    )
  } catch (error) {
    return [problemFrom(error)]
  }
}

function unique(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  return problems.filter(({ code, message, where }) => {
    const key = JSON.stringify([code, message, where?.offset])
    return !seen.has(key) && seen.add(key)
  })
}
