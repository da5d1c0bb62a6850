import { basename, dirname } from 'node:path'
import { z } from 'zod'
import { VivariumError } from '../base/index.ts'
import { quoted } from '../disk/index.ts'
import { layersOf, realPath, resolveChain } from '../system/index.ts'
import { tellBitmaps } from './claimed-disk.ts'
import { convert, imageWish } from './convert.ts'
import { childrenLost, othersLost } from './lost-children.ts'
import { mergeIntoParent } from './merge-into-parent.ts'
import { AGAIN_DOES_THE_REST, defineOperation, type OperationControl } from './operation.ts'
import { machinesRecording } from './undo/machine.ts'

const schema = z.strictObject({
  /** The differencing or undo disk whose changes are carried down. */
  child: z.string(),
  /** The disk of its chain that takes them; the parent when absent. */
  into: z.string().optional(),
  /** Make a new disk of the whole chain instead, and leave the chain as it is. */
  out: z.string().optional(),
  ...imageWish,
  /** Remove the child, and what lies between it and `into`, when all of it is there. */
  deleteChild: z.boolean().default(false),
  /** Other disks on the written ones may be lost. */
  force: z.boolean().default(false),
})

export type MergeSpec = z.infer<typeof schema>

export interface MergeResult {
  readonly child: string
  /** The disk that holds the content now. */
  readonly into: string
  /** Bytes of the guest's disk that were carried down. */
  readonly bytes: number
  /** Files that are of no use any more: removed, with `deleteChild`. */
  readonly superseded: string[]
  readonly deleted: boolean
}

/** Merges a child into its parent, or into a disk further down its chain, in place. */
export const merge = defineOperation<MergeSpec, MergeResult>({
  name: 'merge',
  schema,
  title: ({ child, into, out }) => `Merge ${basename(child)} into ${basename(out ?? into ?? 'its parent')}`,
  ifStopped: ({ out }) => (out === undefined ? AGAIN_DOES_THE_REST : 'Nothing was made.'),
  async run({ out, format, subformat, profile, blockSize, ...spec }, control) {
    if (out === undefined) return mergeInPlace(spec, control)
    if (spec.into !== undefined || spec.deleteChild) throw notWithOut()
    const wish = { format, subformat, profile, blockSize, verify: false }
    const made = await convert.run({ source: spec.child, target: out, ...wish }, control)
    return { child: spec.child, into: made.path, bytes: made.allocated, superseded: [], deleted: false }
  },
})

async function mergeInPlace(
  { child, into, deleteChild, force }: Pick<MergeSpec, 'child' | 'into' | 'deleteChild' | 'force'>,
  { signal, roots, searchFolders = [], progress, note }: OperationControl,
): Promise<MergeResult> {
  const chain = resolveChain(child, { roots, searchFolders })
  const layers = layersOf(chain)
  const index = into === undefined ? 1 : indexOf(layers, into)
  demandParent(layers)
  const folders = [...new Set([...layers.map(dirname), ...searchFolders])]
  const lost = childrenLost(chain.layers.slice(0, index + 1), { deleteChild, folders })
  if (lost.length > 0 && !force) throw othersLost(layers[index]!, lost)
  tellBitmaps(chain.layers[index]!.facts, { note })
  const recording = deleteChild ? machinesRecording(layers[0]!, roots) : []
  const bytes = await mergeIntoParent(layers, {
    into: index,
    signal,
    deleteMerged: deleteChild,
    onProgress: progress,
  })
  for (const path of lost) note(lostNote(path, layers[index]!))
  for (const machine of recording) note(recordLeftNote(machine, layers[0]!))
  if (!deleteChild) note(keptNote(layers, index))
  return {
    child: layers[0]!,
    into: layers[index]!,
    bytes,
    superseded: layers.slice(0, index),
    deleted: deleteChild,
  }
}

function notWithOut(): VivariumError {
  return new VivariumError('invalid', 'merge-options', 'A new disk leaves the chain as it is.', {
    where: { field: 'out' },
    next: 'Leave --into and --delete-child out.',
  })
}

function demandParent(layers: readonly string[]): void {
  if (layers.length > 1) return
  throw new VivariumError('invalid', 'merge-needs-parent', 'It has no parent to be merged into.', {
    where: { path: layers[0]! },
    next: 'Name a differencing or an undo disk.',
  })
}

function indexOf(layers: readonly string[], into: string): number {
  const index = layers.indexOf(realPath(into))
  if (index > 0) return index
  throw new VivariumError('invalid', 'merge-not-an-ancestor', `${into} is no disk below it.`, {
    where: { path: layers[0]! },
    next: `Below it lie: ${layers.slice(1).join(', ') || 'none'}.`,
  })
}

function lostNote(path: string, target: string) {
  return {
    code: 'merge-lost-child',
    severity: 'warning' as const,
    message: `${path} relied on ${target} as it was before, and does not show the right content any more.`,
    where: { path },
  }
}

function recordLeftNote(machine: string, undo: string) {
  return {
    code: 'undo-record-left',
    severity: 'warning' as const,
    message: `${machine} still records ${undo} as its undo disk, and its changes are in the disk below by now.`,
    next: `Take the record out: vivarium undo discard ${quoted(machine)}. Another time, "vivarium undo commit" does both.`,
    where: { path: machine },
  }
}

function keptNote(layers: readonly string[], index: number) {
  const between = layers.slice(1, index)
  return {
    code: 'merge-child-kept',
    severity: 'note' as const,
    message: `${layers[0]} is kept and shows the same as before.${between.length === 0 ? '' : ` ${between.join(', ')} lay between and do not: they are of no use any more.`}`,
    next: `Delete it before anything writes to ${layers[index]}.`,
    where: { path: layers[0]! },
  }
}
