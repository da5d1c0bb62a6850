import { basename, extname } from 'node:path'
import { z } from 'zod'
import { VivariumError } from '../base/index.ts'
import { type ImageFacts, sourceOf } from '../disk/index.ts'
import { claimDiskFile, createDiskFile, factsOfFile, formatNamed } from '../system/index.ts'
import { fileTitle, requireFile, requireTarget } from './files.ts'
import { requireContent, requireFutureParent } from './future-parent.ts'
import { defineOperation, type OperationControl } from './operation.ts'
import { planImage, sectorSizeNotes } from './plan-image.ts'
import { openSourceDisk } from './source-disk.ts'
import { writeImage } from './write-image.ts'
import { takeWritingAway } from './write-protection.ts'

const schema = z.strictObject({
  base: z.string(),
  target: z.string(),
  /** A copy with all of the content; otherwise a differencing disk on top of the base. */
  full: z.boolean().default(false),
  /** Take away the right to write to the base. Only for a linked clone. */
  protect: z.boolean().default(false),
})

export type CloneSpec = z.infer<typeof schema>

export interface CloneResult {
  readonly path: string
  readonly base: string
  readonly linked: boolean
  readonly format: string
  readonly subformat: string
  readonly virtualSize: number
  /** The base cannot be written any more by its owner's programs. */
  readonly protected: boolean
}

/**
 * Makes a second disk of one: a linked clone, which stores only what is written to it and needs its base unchanged for
 * ever; or a full one, with an identity of its own, whose blocks the file system shares where it can.
 */
export const clone = defineOperation<CloneSpec, CloneResult>({
  name: 'clone',
  schema,
  title: ({ base, target }) => `Clone ${fileTitle(base)} as ${fileTitle(target)}`,
  run(spec, control) {
    if (spec.full && spec.protect)
      throw new VivariumError('invalid', 'clone-options', 'A full clone does not need its base any more.', {
        where: { field: 'protect' },
        next: 'Leave --protect or --full out.',
      })
    return spec.full ? fullClone(spec, control) : linkedClone(spec, control)
  },
})

async function linkedClone(spec: CloneSpec, control: OperationControl): Promise<CloneResult> {
  const base = requireFile(spec.base, control)
  const { target } = requireTarget(spec.target, control)
  // Nobody writes to the base while the clone comes into being; afterwards the clone's opener sees to it.
  const claim = claimDiskFile(base, 'r')
  try {
    const below = requireFutureParent(base, target, control)
    const format = formatOverlay(target, below)
    for (const note of sectorSizeNotes(formatNamed(format), below)) control.note(note)
    // First, for it may be refused; a clone would be left that nobody protects.
    const giveBack = spec.protect ? takeWritingAway(base) : () => undefined
    try {
      createDiskFile(target, { format, subformat: 'differencing', parent: base, roots: control.roots })
    } catch (error) {
      giveBack()
      throw error
    }
  } finally {
    claim.release()
  }
  if (!spec.protect) control.note(baseMustStay(base))
  control.progress(1)
  return {
    ...resultOf(target, base, factsOfFile(target)),
    subformat: 'differencing',
    linked: true,
    protected: spec.protect,
  }
}

/** By its ending; a raw disk, which can have no children of its kind, gets a VHD, as the undo disks do. */
function formatOverlay(target: string, below: ImageFacts): string {
  const extension = extname(target).toLowerCase()
  const { name, extensions, subformats = [] } = formatNamed(below.format)
  if (extensions.includes(extension) && subformats.some((kind) => kind.name === 'differencing')) return name
  const asked = ['vhd', 'vhdx', 'vmdk', 'vdi', 'qcow2'].find((each) =>
    formatNamed(each).extensions.includes(extension),
  )
  if (asked !== undefined) return asked
  throw new VivariumError('invalid', 'format-unknown', `"${basename(target)}" cannot be a linked clone.`, {
    where: { path: target },
    next: `Give it the ending ${below.format === 'raw' ? '.vhd or .qcow2' : extensions[0]}.`,
  })
}

function baseMustStay(base: string) {
  return {
    code: 'clone-base-must-stay',
    severity: 'note' as const,
    message: `${base} must not be written any more, moved alone or deleted: the clone shows its content.`,
    next: 'Clone with --protect to take the right to write away from it.',
    where: { path: base },
  }
}

async function fullClone(spec: CloneSpec, control: OperationControl): Promise<CloneResult> {
  const base = requireFile(spec.base, control)
  const { folder, target } = requireTarget(spec.target, control)
  const { disk, facts } = openSourceDisk(base, control)
  try {
    requireContent(base, disk.sizeBytes)
    const format = formatNamed(facts.format)
    if (!format.extensions.includes(extname(target).toLowerCase())) throw otherEnding(target, facts.format)
    const isChild = facts.parent !== undefined
    const plan = planImage(
      basename(target),
      { format: facts.format, ...(!isChild && { subformat: facts.subformat }) },
      { sizeBytes: disk.sizeBytes, facts },
    )
    const source = sourceOf(disk, { sizeBytes: plan.sizeBytes })
    await writeImage({ format: plan.format, layout: plan.layout, source }, { folder, control })
  } finally {
    disk.close()
  }
  return { ...resultOf(target, base, factsOfFile(target)), linked: false, protected: false }
}

function otherEnding(target: string, format: string): VivariumError {
  return new VivariumError(
    'invalid',
    'clone-other-format',
    `A full clone has the format of its base, ${format}.`,
    {
      where: { path: target },
      next: 'Give it the ending of that format, or convert: vivarium disk convert.',
    },
  )
}

function resultOf(path: string, base: string, { format, subformat, sizeBytes }: ImageFacts) {
  return { path, base, format, subformat, virtualSize: sizeBytes }
}
