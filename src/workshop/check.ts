import { z } from 'zod'
import { type Problem, problemFrom, VivariumError } from '../base/index.ts'
import { NEXT_CHECK, NEXT_COPY_AGAIN, nextRepair } from '../disk/index.ts'
import { changingNote, examineDiskFile, inspectDisk } from '../system/index.ts'
import { examineExtents } from './extents.ts'
import { fileTitle, requireFile } from './files.ts'
import { defineOperation, type OperationControl } from './operation.ts'

export interface CheckResult {
  readonly problems: readonly Problem[]
  /** How many acts a repair would do. */
  readonly repairable: number
}

const schema = z.object({
  path: z.string(),
  /** Read bitmaps and data too, which takes as long as reading the disk. */
  deep: z.boolean().default(false),
  /** The format, where it is known and the file does not show it. */
  format: z.string().optional(),
})

/** Explains every fault of a disk file, and of its chain. Reads only. */
export const check = defineOperation({
  name: 'check',
  schema,
  title: ({ path }) => `Check ${fileTitle(path)}`,
  ifStopped: () => '',
  async run({ path, deep, format }, control): Promise<CheckResult> {
    const file = requireFile(path, control)
    const inspected = inspectedProblems(file, format, control)
    const found = await examineDiskFile(file, {
      ...{ deep, format, signal: control.signal },
      onProgress: (fraction) => control.progress(fraction),
    })
    if (found === undefined) {
      if (inspected.error !== undefined) throw beyondRepair(inspected.error)
      return { problems: advised(inspected.problems, file, 0), repairable: 0 }
    }
    found.close()
    const extents = await examineExtents(file, { deep, signal: control.signal })
    const noted = changingNote(file)
    const repairable = extents.reduce((sum, each) => sum + each.repairable, found.surgery.acts.length)
    const problems = [
      ...(noted ? [noted] : []),
      ...merged(found.problems, inspected, file),
      ...extents.flatMap((each) => each.problems),
    ]
    return { problems: advised(problems, file, repairable), repairable }
  },
})

/** Who only reads advises to check the file: that is what is being done, and what comes of it is known here. */
function advised(problems: readonly Problem[], path: string, repairable: number): Problem[] {
  return problems.map((problem) =>
    problem.next === NEXT_CHECK && problem.where?.path === path
      ? { ...problem, next: repairable > 0 ? nextRepair(path) : NEXT_COPY_AGAIN }
      : problem,
  )
}

function beyondRepair(error: unknown): unknown {
  if (!(error instanceof VivariumError) || error.next !== NEXT_CHECK) return error
  const { kind, code, message, where } = error
  return new VivariumError(kind, code, message, { where, next: NEXT_COPY_AGAIN, cause: error })
}

interface Inspected {
  readonly problems: readonly Problem[]
  readonly error?: unknown
}

function inspectedProblems(
  path: string,
  format: string | undefined,
  { roots, searchFolders = [] }: OperationControl,
): Inspected {
  try {
    return {
      problems: inspectDisk(path, { roots, searchFolders, ...(format !== undefined && { format }) }).problems,
    }
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
    return { problems: [problemFrom(error)], error }
  }
}

/** The doctor looks closer: what it says of this file stands in place of what the reader said of the same. */
function merged(own: readonly Problem[], { problems: inspected }: Inspected, path: string): Problem[] {
  const codes = new Set(own.map(({ code }) => code))
  const hasError = own.some(({ severity }) => severity === 'error')
  const others = inspected.filter(
    ({ code, where }) => where?.path !== path || !(codes.has(code) || (hasError && READER_GAVE_UP.has(code))),
  )
  return [...own, ...others]
}

/** What the reader says when it could not go on, and the doctor explains. */
const READER_GAVE_UP = new Set([
  'disk-format-not-recognised',
  'vhd-bat-outside-file',
  'vhd-block-size',
  'vhd-too-many-blocks',
  'vhd-size-zero',
  'vhd-number-too-large',
])
