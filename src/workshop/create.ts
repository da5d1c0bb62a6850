import { basename, dirname } from 'node:path'
import { z } from 'zod'
import { VivariumError } from '../base/index.ts'
import type { DiskReport } from '../disk/index.ts'
import { createDiskFile, formatNamed, inspectDisk } from '../system/index.ts'
import { imageWish } from './convert.ts'
import { fileTitle, requireFile, requireTarget } from './files.ts'
import { endingNotes } from './fitting-ending.ts'
import { requireFutureParent } from './future-parent.ts'
import { defineOperation, type OperationControl } from './operation.ts'
import { formatOfName, planImage, sectorSizeNotes } from './plan-image.ts'

const newDisk = z.strictObject({
  path: z.string().min(1),
  /** Capacity in bytes; a differencing disk takes its parent's. */
  sizeBytes: z.int().positive().optional(),
  /** Makes a differencing disk on top of this one. */
  parent: z.string().min(1).optional(),
  ...imageWish,
})

export type NewDisk = z.input<typeof newDisk>

/** Makes an empty disk, or one that shows its parent. */
export const create = defineOperation({
  name: 'create',
  schema: newDisk,
  title: ({ path }) => `Create ${fileTitle(path)}`,
  async run({ path, sizeBytes, parent, ...wish }, control): Promise<DiskReport> {
    const { target } = requireTarget(path, control)
    if (parent === undefined) {
      const size = sizeBytes ?? sizeMissing(target)
      const plan = planImage(basename(target), wish, { sizeBytes: size })
      for (const each of [...endingNotes(basename(target), wish, plan.format), ...plan.notes])
        control.note(each)
      const { subformat, blockSize } = plan.layout
      createDiskFile(target, {
        format: plan.format.name,
        subformat,
        sizeBytes: plan.sizeBytes,
        ...(blockSize !== undefined && { blockSize }),
      })
      return made(target, control)
    }
    const below = requireFile(parent, control)
    const facts = requireFutureParent(below, target, control)
    const format = wish.format ?? formatOfName(basename(target))
    createChild(target, below, { ...wish, format, sizeBytes })
    const told = [
      ...endingNotes(basename(target), { ...wish, format }, formatNamed(format)),
      ...sectorSizeNotes(formatNamed(format), facts),
    ]
    for (const note of told) control.note(note)
    return made(target, control, [dirname(below)])
  },
})

function made(
  target: string,
  { roots, progress }: OperationControl,
  searchFolders: readonly string[] = [],
): DiskReport {
  progress(1)
  return inspectDisk(target, { roots, searchFolders })
}

function createChild(
  target: string,
  parent: string,
  {
    format,
    subformat,
    profile,
    blockSize,
    sizeBytes,
  }: Omit<NewDisk, 'path' | 'parent'> & { readonly format: string },
): void {
  if (profile !== undefined)
    throw new VivariumError('invalid', 'disk-create-options', 'A differencing disk is what its parent is.', {
      where: { path: target, field: 'profile' },
      next: 'Leave the profile out.',
    })
  createDiskFile(target, {
    format,
    subformat: subformat ?? 'differencing',
    parent,
    ...(blockSize !== undefined && { blockSize }),
    ...(sizeBytes !== undefined && { sizeBytes }),
  })
}

function sizeMissing(path: string): never {
  throw new VivariumError('invalid', 'invalid-size', 'The size is missing.', {
    where: { path, field: 'size' },
    next: 'Write it like --size 512M or --size 16G.',
  })
}
