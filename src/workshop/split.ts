import { basename, extname } from 'node:path'
import { z } from 'zod'
import { VivariumError } from '../base/index.ts'
import { sourceOf } from '../disk/index.ts'
import { layersOf, realPath, resolveChain } from '../system/index.ts'
import { type ClaimedDisk, claimDisk, sameLayout } from './claimed-disk.ts'
import { AGAIN_DOES_THE_REST, defineOperation, type OperationControl } from './operation.ts'
import { partOf } from './pace.ts'
import { demandOneFile, replaceImage } from './replace-image.ts'
import { layOutImage } from './write-image.ts'
import { decideOnProtection } from './write-protection.ts'

const schema = z.strictObject({
  /** A differencing disk. */
  path: z.string(),
  /** A disk further down its chain: the cut is made above this one, and what lies above it stays a chain. */
  at: z.string().optional(),
  /** What it is to be; the format's usual growing kind when absent. */
  subformat: z.string().optional(),
  /** Give back the right to write to the disk below, which `clone --protect` took away. */
  unprotect: z.boolean().optional(),
})

export type SplitSpec = z.infer<typeof schema>

export interface SplitResult {
  readonly path: string
  readonly subformat: string
  /** Files that it does not need any more; they stay as they are. */
  readonly independentOf: string[]
  /** The disk that it lay on may be written to again. */
  readonly unprotected: boolean
}

/**
 * Cuts a disk off its parents: it takes over all that they show through it, and keeps its format and its identity, so
 * that its own children find it as before. A new file takes the old one's place in one step.
 */
export const split = defineOperation<SplitSpec, SplitResult>({
  name: 'split',
  schema,
  ifStopped: () => AGAIN_DOES_THE_REST,
  title: ({ path, at }) =>
    `Make ${basename(path)} independent of ${at === undefined ? 'its parents' : basename(at)}`,
  async run({ path: asked, at, subformat: wanted, unprotect }, control) {
    const claimed = claimDisk(at === undefined ? asked : lowestAbove(asked, at, control), control)
    try {
      const { path, layers, format, disk } = claimed
      if (layers.length < 2) throw noParent(path)
      demandNoUndoDisk(path)
      const subformat = independentKind(claimed, wanted)
      const { parent: _, ...own } = sameLayout(claimed)
      const options = { ...own, subformat }
      const source = sourceOf(disk)
      const layout = await layOutImage({ format, source, layout: options }, partOf(control, 0, 0.1))
      demandOneFile(claimed, layout)
      await replaceImage({ claimed, layout, source, options, free: [] }, partOf(control, 0.1, 1))
      const unprotected = decideOnProtection(layers[1]!, unprotect === true, control)
      return { path, subformat, independentOf: layers.slice(1), unprotected }
    } finally {
      claimed.release()
    }
  },
})

/** The last disk of the upper part: it takes over what the lower one shows, and those above it find it as before. */
function lowestAbove(file: string, at: string, { roots, searchFolders = [] }: OperationControl): string {
  const layers = layersOf(resolveChain(file, { roots, searchFolders }))
  const index = layers.indexOf(realPath(at))
  if (index > 0) return layers[index - 1]!
  throw new VivariumError('invalid', 'split-not-an-ancestor', `${at} is no disk below it.`, {
    where: { path: file, field: 'at' },
    next: `Below it lie: ${layers.slice(1).join(', ') || 'none'}.`,
  })
}

function noParent(path: string): VivariumError {
  return new VivariumError(
    'invalid',
    'split-no-parent',
    'The disk has no parent: it is independent already.',
    {
      where: { path },
      next: 'Name a differencing disk.',
    },
  )
}

/** Its machine would look for the disk below it, and find it no child of that. */
function demandNoUndoDisk(path: string): void {
  if (extname(path).toLowerCase() !== '.vud') return
  throw new VivariumError(
    'invalid',
    'split-undo-disk',
    'It is an undo disk, which goes with the disk below it.',
    {
      where: { path },
      next: 'Commit it, or merge the chain into a new disk: vivarium disk merge --out.',
    },
  )
}

function independentKind({ path, format }: ClaimedDisk, wanted: string | undefined): string {
  const kinds = (format.subformats ?? [])
    .filter(({ name, severalFiles }) => name !== 'differencing' && severalFiles !== true)
    .map(({ name }) => name)
  const found =
    wanted === undefined ? kinds[0] : kinds.find((name) => name.toLowerCase() === wanted.toLowerCase())
  if (found !== undefined) return found
  throw new VivariumError(
    'invalid',
    'subformat-unknown',
    `${format.label} has no kind "${wanted ?? ''}" for this.`,
    {
      where: { path, field: 'subformat' },
      next: `There are: ${kinds.join(', ') || 'none'}.`,
    },
  )
}
