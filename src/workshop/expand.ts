import { basename } from 'node:path'
import { z } from 'zod'
import { formatSize, plural, VivariumError } from '../base/index.ts'
import { moveGptCopy, readContents, sourceOf } from '../disk/index.ts'
import { openDiskStore } from '../system/disk-files.ts'
import { surroundingsOf } from '../system/disk-surroundings.ts'
import { openDiskLayers, sweepPublished } from '../system/index.ts'
import { type ClaimedDisk, claimDisk, demandNoSnapshots, sameLayout } from './claimed-disk.ts'
import { expandInFiles } from './expand-files.ts'
import { AGAIN_DOES_THE_REST, defineOperation, type OperationControl } from './operation.ts'
import { partOf } from './pace.ts'
import { replaceImage } from './replace-image.ts'
import { layOutImage } from './write-image.ts'

const bytes = z.number().int().positive()
const schema = z
  .strictObject({
    path: z.string(),
    /** The new capacity in bytes, a multiple of 512. */
    sizeBytes: bytes.optional(),
    /** Or by how much it is to grow. */
    byBytes: bytes.optional(),
  })
  .refine(({ sizeBytes, byBytes }) => (sizeBytes === undefined) !== (byBytes === undefined), {
    message: 'Name the new size, or by how much the disk is to grow.',
  })

export type ExpandSpec = z.infer<typeof schema>

export interface ExpandResult {
  readonly path: string
  /** Capacity in bytes. */
  readonly before: number
  readonly after: number
  /** `in-place`: its own files were changed, others added; `rewritten`: a new file took its place; `none`: it had that size. */
  readonly how: 'in-place' | 'rewritten' | 'none'
  readonly gptMoved: boolean
}

/** Makes a disk larger. The guest finds more room behind its last partition; what lies on the disk stays. */
export const expand = defineOperation<ExpandSpec, ExpandResult>({
  name: 'expand',
  schema,
  ifStopped: () => AGAIN_DOES_THE_REST,
  title: ({ path }) => `Expand ${basename(path)}`,
  async run({ path, sizeBytes, byBytes = 0 }, control) {
    const claimed = claimDisk(path, control, { withSnapshots: true })
    try {
      const before = claimed.disk.sizeBytes
      const after = sizeBytes ?? before + byBytes
      demandPossible(claimed, after)
      control.signal.throwIfAborted()
      // Of an expansion that was killed when all was done.
      for (const extent of claimed.extents) sweepPublished(extent)
      const how =
        after === before
          ? 'none'
          : expandInPlace(claimed, after) || (await expandInFiles(claimed, after, control))
            ? 'in-place'
            : await rewrite(claimed, after, control)
      const gptMoved = settle(claimed, after - before, control)
      control.progress(1)
      return { path: claimed.path, before, after, how, gptMoved }
    } finally {
      claimed.release()
    }
  },
})

function demandPossible({ path, disk, facts, format, children }: ClaimedDisk, sizeBytes: number): void {
  const fail = (
    kind: 'invalid' | 'unsupported' | 'conflict',
    code: string,
    message: string,
    next: string,
  ): never => {
    throw new VivariumError(kind, code, message, { where: { path }, next })
  }
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes % 512 !== 0)
    fail(
      'invalid',
      'disk-size-invalid',
      `A disk cannot have ${plural(sizeBytes, 'byte')}.`,
      'Choose a multiple of 512 bytes.',
    )
  if (sizeBytes < disk.sizeBytes)
    fail(
      'invalid',
      'expand-would-shrink',
      `The disk has ${formatSize(disk.sizeBytes)}, and ${formatSize(sizeBytes)} would cut off what lies behind.`,
      'A disk can only grow. To make its file smaller, use disk compact.',
    )
  if (children.length > 0)
    fail(
      'conflict',
      'disk-has-children',
      `Other disks rely on it and its size: ${children.join(', ')}.`,
      'Merge them into it first, or move them away if they are of no use.',
    )
  // A child is as large as its parent; only QCOW2 lets it be larger, and shows zeroes there.
  if (facts.parent !== undefined && facts.format !== 'qcow2')
    fail(
      'unsupported',
      'expand-differencing',
      `A differencing ${format.label} has the size of its parent.`,
      'Merge it into its parent or into a new disk first (disk merge), and expand that.',
    )
}

/** @throws VivariumError kind `invalid` for a size that the format cannot have. */
function expandInPlace({ format, path }: ClaimedDisk, sizeBytes: number): boolean {
  if (format.expand === undefined) return false
  const store = openDiskStore(path, true)
  try {
    return format.expand(store, sizeBytes, surroundingsOf(path, {}))
  } finally {
    store.close()
  }
}

async function rewrite(
  claimed: ClaimedDisk,
  sizeBytes: number,
  control: OperationControl,
): Promise<'rewritten'> {
  const { disk, format, layers, path, facts } = claimed
  demandNoSnapshots(path, facts)
  // The old geometry would be that of the old size.
  const { geometry: _, ...options } = sameLayout(claimed)
  const source = sourceOf(disk, { sizeBytes, ...(layers.length > 1 && { layers: 1 }) })
  const layout = await layOutImage({ format, source, layout: options }, partOf(control, 0, 0.2))
  await replaceImage({ claimed, layout, source, options, free: [] }, partOf(control, 0.2, 0.98))
  return 'rewritten'
}

/** What is left to do on the disk itself. A step of its own, so that it can be run again: before it the disk is sound too. */
function settle(claimed: ClaimedDisk, grown: number, control: OperationControl): boolean {
  const { path, layers } = claimed
  const note = (code: string, message: string, next: string) =>
    control.note({ code, severity: 'note', message, next, where: { path } })
  const disk = openDiskLayers({ layers, writable: false }, { lock: false, roots: control.roots })
  const { scheme, partitions } = readContents(disk)
  disk.close()
  const moved = scheme === 'gpt' && moveTable(claimed, control)
  if (grown > 0 && scheme === 'gpt' && !moved)
    note(
      'expand-gpt-not-moved',
      'The copy of the partition table could not be moved to the new end.',
      'Let the guest do it: its partition tool offers to.',
    )
  if (grown > 0 && partitions.length > 0)
    note(
      'expand-next',
      `The new ${formatSize(grown)} lie behind the last partition and belong to none yet.`,
      'Enlarge the partition and its file system inside the guest.',
    )
  return moved
}

function moveTable({ layers, facts }: ClaimedDisk, { roots }: OperationControl): boolean {
  // Where the guest counts sectors of 4 KiB, the table lies elsewhere.
  if ((facts.sectorSize ?? 512) !== 512) return false
  const writer = openDiskLayers({ layers, writable: true }, { lock: false, keepId: true, roots })
  try {
    return moveGptCopy(writer)
  } finally {
    writer.close()
  }
}
