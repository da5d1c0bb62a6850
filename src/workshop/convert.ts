import { rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { VivariumError } from '../base/index.ts'
import { type Disk, onlyFile, sourceOf } from '../disk/index.ts'
import { openDiskFile } from '../system/index.ts'
import { firstDifference } from './compare.ts'
import { fileTitle, requireTarget } from './files.ts'
import { endingNotes } from './fitting-ending.ts'
import { requireContent } from './future-parent.ts'
import { defineOperation, type OperationControl } from './operation.ts'
import { partOf } from './pace.ts'
import { type ImageWish, type PlannedImage, planImage } from './plan-image.ts'
import { openSourceDisk, type SourceDisk } from './source-disk.ts'
import { streamImage } from './stream-image.ts'
import { layOutImage, writeImage } from './write-image.ts'

export const imageWish = {
  /** By the target's ending when absent. */
  format: z.string().optional(),
  subformat: z.string().optional(),
  profile: z.string().optional(),
  blockSize: z.int().positive().optional(),
}

const conversion = z.strictObject({
  source: z.string().min(1),
  target: z.string().min(1),
  ...imageWish,
  /** Read both again and compare them. */
  verify: z.boolean().default(false),
})

export type Conversion = z.input<typeof conversion>

export interface Converted {
  readonly path: string
  /** All of its files; the one to open is the last. */
  readonly files: readonly string[]
  readonly format: string
  readonly subformat: string
  readonly virtualSize: number
  /** Bytes that the host has allocated for it. */
  readonly allocated: number
  /** Files of the source's chain: more than one were made one disk. */
  readonly sourceFiles: readonly string[]
}

/** Makes a disk of its own from any image or chain, in any format. The source stays as it is. */
export const convert = defineOperation({
  name: 'convert',
  schema: conversion,
  title: ({ source, target }) => `Convert ${fileTitle(source)} to ${fileTitle(target)}`,
  async run(spec, control): Promise<Converted> {
    const place = requireTarget(spec.target, control)
    const source = openSourceDisk(spec.source, control)
    try {
      requireContent(spec.source, source.disk.sizeBytes)
      return await convertOpened(source, spec, place, control)
    } finally {
      source.disk.close()
    }
  },
})

/** The same for a disk that is open, and stays so. */
export async function convertOpened(
  { disk, facts, layers }: SourceDisk,
  spec: ImageWish & { readonly verify: boolean },
  { folder, target }: ReturnType<typeof requireTarget>,
  control: OperationControl,
): Promise<Converted> {
  const plan = planImage(basename(target), spec, { sizeBytes: disk.sizeBytes, facts })
  for (const note of [...endingNotes(basename(target), spec, plan.format), ...plan.notes]) control.note(note)
  const { format, layout } = plan
  const written = await writeImage(
    { format, layout, source: sourceOf(disk, { sizeBytes: plan.sizeBytes }) },
    { folder, control: partOf(control, 0, spec.verify ? 0.6 : 1) },
  )
  const files = written.files.map(({ name }) => join(folder, name))
  if (spec.verify) await verify(disk, files, partOf(control, 0.6, 1))
  return { path: target, files, ...factsOf(plan), allocated: allocatedOf(files), sourceFiles: layers }
}

function factsOf({ format, layout, sizeBytes }: PlannedImage) {
  return { format: format.name, subformat: layout.subformat, virtualSize: sizeBytes }
}

function allocatedOf(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + statSync(file).blocks * 512, 0)
}

/** A copy that is not known to be right, because it differs or nobody waited for it, does not stay. */
async function verify(disk: Disk, files: readonly string[], control: OperationControl): Promise<void> {
  const path = files.at(-1) ?? ''
  try {
    const copy = openDiskFile(path)
    try {
      const { offset } = await firstDifference(disk, copy, control)
      if (offset !== undefined) throw copyDiffers(path, offset)
    } finally {
      copy.close()
    }
  } catch (error) {
    for (const file of files) rmSync(file, { force: true })
    throw error
  }
}

function copyDiffers(path: string, offset: number): VivariumError {
  return new VivariumError(
    'corrupt',
    'verify-failed',
    `The copy differed from byte ${offset} on and was removed.`,
    { where: { path, offset }, next: 'Test the memory and the disks of this computer, then do it again.' },
  )
}

export interface ConversionStream {
  readonly format: string
  readonly subformat: string
  /** Bytes of the whole image, where that is known before it is made. */
  readonly sizeBytes?: number
  /** The image from its first byte to its last; ends with the source closed. Must be read, or returned. */
  pieces(): AsyncGenerator<Uint8Array>
}

/**
 * The same for a pipe or a download, without any file: every format can be written from its first byte to its last.
 * @throws VivariumError kind `unsupported`, code `layout-several-files`, for kinds of several files.
 */
export async function convertToStream(
  { source: path, name, ...wish }: ImageWish & { readonly source: string; readonly name: string },
  control: OperationControl,
): Promise<ConversionStream> {
  const { disk, facts } = openSourceDisk(path, control)
  try {
    requireContent(path, disk.sizeBytes)
    const plan = planImage(name, wish, { sizeBytes: disk.sizeBytes, facts })
    for (const note of plan.notes) control.note(note)
    const { format, layout } = plan
    const source = sourceOf(disk, { sizeBytes: plan.sizeBytes })
    const file = onlyFile(await layOutImage({ format, layout, source }, partOf(control, 0, 0.1)))
    const writing = partOf(control, 0.1, 1)
    return {
      format: format.name,
      subformat: layout.subformat,
      ...(file.sizeBytes !== undefined && { sizeBytes: file.sizeBytes }),
      async *pieces() {
        try {
          yield* streamImage(file, source, writing)
        } finally {
          disk.close()
        }
      },
    }
  } catch (error) {
    disk.close()
    throw error
  }
}
