import { dirname } from 'node:path'
import { z } from 'zod'
import { type Problem, VivariumError } from '../base/index.ts'
import { nextRepair } from '../disk/index.ts'
import {
  type DiagnoseOptions,
  type Examined,
  examineDiskFile,
  performSurgery,
  resolveChain,
  type ShownAct,
  shownAct,
  takeBackRepair,
  takeBackUnfinished,
  withDiskClaimed,
} from '../system/index.ts'
import { examineExtents, repairInExtents } from './extents.ts'
import { fileTitle, requireFile } from './files.ts'
import { AGAIN_DOES_THE_REST, defineOperation, type OperationControl } from './operation.ts'

export interface RepairResult {
  readonly path: string
  /** `nothing`: there was nothing to repair; `hopeless`: there is, and it cannot be done. */
  readonly outcome: 'repaired' | 'planned' | 'nothing' | 'hopeless' | 'taken-back'
  /** Whatever was wrong before. */
  readonly problems: readonly Problem[]
  readonly acts: readonly ShownAct[]
  /** What is still wrong afterwards; with what is wrong with the chain. */
  readonly remaining: readonly Problem[]
  /** Why the disk cannot be read with its parents, which no repair of this file can put right. */
  readonly chain: readonly Problem[]
  readonly backup?: string
}

const schema = z.object({
  path: z.string(),
  /** Only say what would be done. */
  dryRun: z.boolean().default(false),
  /** The format, where it is known and the file does not show it. */
  format: z.string().optional(),
  /** The file is the content of a fixed VHD that lost its footer, though nothing of it shows that. */
  fixed: z.boolean().default(false),
  /** Take a repair back: the last one, or the one of this backup. */
  takeBack: z.union([z.boolean(), z.string()]).default(false),
})

/**
 * Plans, proves the plan on the file as it would be, saves every byte that changes, and then changes them. Killed at
 * any moment it can be run again: what is half done is taken back first.
 */
export const repair = defineOperation({
  name: 'repair',
  schema,
  ifStopped: () => AGAIN_DOES_THE_REST,
  title: ({ path, takeBack }) =>
    takeBack === false ? `Repair ${fileTitle(path)}` : `Take back the repair of ${fileTitle(path)}`,
  async run({ path, dryRun, takeBack, ...known }, control): Promise<RepairResult> {
    const file = requireFile(path, control)
    if (takeBack !== false && takeBack !== undefined) return await takeBackNow(file, takeBack, control)
    if (dryRun)
      return await plan(file, known, control, ({ surgery }) => ({ acts: surgery.acts.map(shownAct) }))
    return await withDiskClaimed(file, async () => {
      const backup = takeBackUnfinished(file)
      if (backup !== undefined)
        control.note({
          code: 'repair-resumed',
          severity: 'note',
          message: `An earlier repair was interrupted; it was taken back first (${fileTitle(backup)}).`,
          where: { path: file },
        })
      return await plan(file, known, control, ({ surgery }) => ({
        acts: surgery.acts.map(shownAct),
        outcome: 'repaired',
        backup: performSurgery(file, surgery, 'repair'),
      }))
    })
  },
})

async function takeBackNow(
  file: string,
  backup: string | boolean,
  control: OperationControl,
): Promise<RepairResult> {
  const named = typeof backup === 'string' ? requireFile(backup, control) : undefined
  const used = await withDiskClaimed(file, async () => takeBackRepair(file, named))
  return { path: file, outcome: 'taken-back', problems: [], acts: [], remaining: [], chain: [], backup: used }
}

async function plan(
  file: string,
  known: Pick<DiagnoseOptions, 'format' | 'fixed'>,
  control: OperationControl,
  go: (found: Examined) => Pick<RepairResult, 'acts'> & Partial<RepairResult>,
): Promise<RepairResult> {
  const found = await examineDiskFile(file, {
    ...{ ...known, deep: true, signal: control.signal },
    onProgress: (fraction) => control.progress(fraction * 0.9),
  })
  if (found === undefined) throw noDoctor(file)
  try {
    const { problems, surgery } = found
    const errors = problems.filter(({ severity }) => severity === 'error')
    const base = { path: file, problems: problems.map(withoutAdvice) }
    if (surgery.acts.length === 0) {
      await demandSoundExtents(file, control)
      const chain = brokenChain(file, known, control).filter((problem) => !isAmong(problem, problems))
      const outcome = errors.length === 0 ? 'nothing' : 'hopeless'
      return { ...base, outcome, acts: [], remaining: [...problems, ...chain], chain }
    }
    control.signal.throwIfAborted()
    const done = go(found)
    const chain = brokenChain(file, known, control).filter(
      // What the file says of its parent may be what a repair would put right.
      (problem) => done.outcome === 'repaired' || problem.where?.path !== file,
    )
    return { ...base, outcome: 'planned', remaining: [...found.remaining, ...chain], chain, ...done }
  } finally {
    found.close()
  }
}

/** The errors of its chain: a file without any fault is no disk without its parents. */
function brokenChain(
  file: string,
  { format }: Pick<DiagnoseOptions, 'format'>,
  { roots, searchFolders = [] }: OperationControl,
): Problem[] {
  try {
    const chain = resolveChain(file, {
      roots,
      searchFolders: [dirname(file), ...searchFolders],
      ...(format !== undefined && { format }),
    })
    return chain.problems.filter(({ severity }) => severity === 'error')
  } catch (error) {
    // The file itself cannot be read: the doctor says why.
    if (error instanceof VivariumError) return []
    throw error
  }
}

function isAmong({ code, where }: Problem, problems: readonly Problem[]): boolean {
  return problems.some((each) => each.code === code && each.where?.path === where?.path)
}

/** @throws VivariumError kind `unsupported`, code `repair-in-extents`. */
async function demandSoundExtents(file: string, { signal }: OperationControl): Promise<void> {
  const broken = (await examineExtents(file, { deep: true, signal })).filter(
    ({ repairable }) => repairable > 0,
  )
  if (broken.length > 0) throw repairInExtents(file, broken)
}

const NEXT_NO_DOCTOR =
  'A raw image and an ISO have none: what is wrong in their file systems is repaired by a guest. If it was an image of another format, name that with --format.'

/** Whoever repairs needs no advice to do so; what to do about the rest stays. */
function withoutAdvice(problem: Problem): Problem {
  const { next, ...rest } = problem
  const path = problem.where?.path
  const kept = path === undefined ? next : next?.replace(nextRepair(path), '').trim()
  return kept === undefined || kept === '' ? rest : { ...rest, next: kept }
}

function noDoctor(path: string): VivariumError {
  return new VivariumError(
    'unsupported',
    'repair-format',
    'It is no disk image with structures that could be repaired.',
    { where: { path }, next: NEXT_NO_DOCTOR },
  )
}
