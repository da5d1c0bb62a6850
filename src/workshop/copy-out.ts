import { statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { type Problem, plural, VivariumError } from '../base/index.ts'
import { quoted } from '../disk/index.ts'
import { realPath, requireInside } from '../system/index.ts'
import { NEXT_CHECK_IN_GUEST } from './inside/complaints.ts'
import type { ExtractEvent, ExtractSummary } from './inside/entry.ts'
import { partsOf } from './inside/file-tree.ts'
import { demandFree, HostFolder } from './inside/host-folder.ts'
import { openInside } from './inside/inside.ts'
import { defineOperation, type OperationControl } from './operation.ts'
import { unfinishedOf } from './source-disk.ts'

const schema = z.object({
  /** The disk. */
  path: z.string().min(1),
  /** Number of the volume; may be left out where only one can be read. */
  volume: z.number().int().min(0).optional(),
  /** A file or folder on the volume; "" is all of it. */
  inside: z.string(),
  /** A folder that is there, or the new name of the copy. */
  target: z.string().min(1),
  /** Replace files that are there. */
  force: z.boolean().default(false),
})
type CopyOut = z.output<typeof schema>

export interface CopyOutResult extends ExtractSummary {
  /** Where it lies now. */
  readonly target: string
}

/** Names of what was left out, in the note; there may be very many. */
const NAMED_SKIPPED = 5

/**
 * Copies a file or folder out of a disk. It appears whole or not at all; of a damaged file system it is as much as can
 * be read, and the error says so. Symbolic links are copied as they are, whatever they lead to; those that cannot be are
 * left out with a note, as are devices.
 */
export const copyOut = defineOperation<CopyOut, CopyOutResult>({
  name: 'copy-out',
  schema: schema as z.ZodType<CopyOut>,
  title: ({ path, inside }) => `Copy ${partsOf(inside).at(-1) ?? 'everything'} out of ${basename(path)}`,
  async run({ path, volume: asked, inside, target, force }, control) {
    const reader = openInside(path, control)
    try {
      const volume = asked ?? (await onlyVolume(path, reader.volumes()))
      const total = await reader.total(volume, inside)
      const place = placeOf(target, inside, control)
      if (partsOf(inside).length > 0 && !force) demandFree(undefined, place, false)
      const folder = new HostFolder(place)
      const receipt = new Receipt(folder, { inside, total: total.bytes }, control)
      try {
        const summary = await reader.extract(volume, inside, (event) => receipt.take(event), control.signal)
        if (receipt.top !== undefined) folder.publish(receipt.top, place, force)
        for (const problem of unfinishedOf(path, control)) control.note(problem)
        for (const message of total.problems) control.note(damageRead(path, message))
        const refused = folder.refusedLinks
        receipt.tellLeftOut(refused)
        return {
          ...summary,
          links: summary.links - refused.length,
          skipped: summary.skipped + refused.length,
          target: place,
        }
      } catch (error) {
        throw keepWhatIsRead(error, folder, receipt, place, force)
      } finally {
        folder.discard()
      }
    } finally {
      reader.close()
    }
  },
})

/** @throws VivariumError kind `invalid` when there is a choice, `unsupported` when there is none. */
export async function onlyVolume(
  path: string,
  volumes: Promise<readonly { number: number; readable: boolean; fileSystem?: string | undefined }[]>,
): Promise<number> {
  const all = await volumes
  const readable = all.filter((volume) => volume.readable)
  if (readable.length === 1) return readable[0]!.number
  if (readable.length > 1) {
    throw new VivariumError('invalid', 'inside-which-volume', 'The disk has several volumes.', {
      where: { path },
      next: `Begin the path with one of them: ${readable.map(({ number }) => `/${number}`).join(', ')}.`,
    })
  }
  const kinds = all.map(({ fileSystem }) => fileSystem ?? 'unknown').join(', ')
  throw new VivariumError(
    'unsupported',
    'inside-nothing-readable',
    all.length === 0
      ? 'The disk holds no file system that can be read.'
      : `No volume of it can be read (${kinds}).`,
    { where: { path }, next: `To see what is on it: vivarium inspect ${quoted(path)}` },
  )
}

/** Into a folder that is there, under its own name; else under the new name. */
function placeOf(target: string, inside: string, { roots }: OperationControl): string {
  const asked = resolve(target)
  const name = partsOf(inside).at(-1)
  const isFolder = statSync(asked, { throwIfNoEntry: false })?.isDirectory() === true
  const folder = realPath(isFolder ? asked : dirname(asked))
  requireInside(folder, roots.map(realPath))
  if (isFolder) return name === undefined ? folder : join(folder, basename(name))
  return join(folder, basename(asked))
}

/** A damaged disk gives what it has; everything else that stops the copy leaves nothing behind. */
function keepWhatIsRead(
  error: unknown,
  folder: HostFolder,
  receipt: Receipt,
  target: string,
  force: boolean,
): unknown {
  if (!(error instanceof VivariumError)) return error
  if (error.code === 'host-enospc') {
    return new VivariumError(
      error.kind,
      error.code,
      `The disk is full: ${folder.missingFor(receipt.left)} are missing.`,
      {
        where: { path: target },
        next: 'Free some space and try again. Nothing was left behind.',
        cause: error,
      },
    )
  }
  if (error.code !== 'inside-damaged' || receipt.top === undefined) return error
  folder.publish(receipt.top, target, force)
  return new VivariumError(error.kind, error.code, `${error.message} What can be read is in ${target}.`, {
    where: error.where,
    ...(error.next !== undefined && { next: error.next }),
    cause: error,
  })
}

/** What is wrong with the volume although all that was asked for could be read. */
function damageRead(path: string, message: string): Problem {
  return {
    code: 'inside-damage-read',
    severity: 'warning',
    message,
    next: NEXT_CHECK_IN_GUEST,
    where: { path },
  }
}

/** Follows an extraction: what it is called, how far it is, what was left out. */
class Receipt {
  readonly #folder: HostFolder
  readonly #control: OperationControl
  readonly #total: number
  /** Paths of what cannot be copied. */
  readonly #unknown: string[] = []
  readonly #others: string[] = []
  #done = 0
  /** The name in the hidden folder; "" = all that is in it. Undefined = nothing came yet. */
  top: string | undefined

  constructor(
    folder: HostFolder,
    { inside, total }: { inside: string; total: number },
    control: OperationControl,
  ) {
    this.#folder = folder
    this.#control = control
    this.#total = total
    if (partsOf(inside).length === 0) this.top = ''
  }

  /** Bytes still to come. */
  get left(): number {
    return Math.max(0, this.#total - this.#done)
  }

  take(event: ExtractEvent): void {
    this.#folder.take(event)
    if (event.event === 'folder' || event.event === 'file') this.top ??= partsOf(event.path)[0]
    else if (event.event === 'skipped')
      (event.kind === 'link' ? this.#unknown : this.#others).push(event.path)
    else if (event.event === 'data') this.#add(event.bytes.length)
    else if (event.event === 'hole') this.#add(event.length)
  }

  /** @param refused Links that the host did not take. */
  tellLeftOut(refused: readonly string[]): void {
    this.#tell(refused, 'symbolic link', 'this computer does not take it there')
    this.#tell(this.#unknown, 'symbolic link', 'it cannot be read where it leads')
    this.#tell(
      this.#others,
      'other thing',
      'it is a device or a pipe, or Windows keeps its content in a form of its own',
    )
  }

  #tell(paths: readonly string[], what: string, why: string): void {
    if (paths.length === 0) return
    const named = paths.slice(0, NAMED_SKIPPED).join(', ')
    const more = paths.length > NAMED_SKIPPED ? ` and ${paths.length - NAMED_SKIPPED} more` : ''
    this.#control.note({
      code: 'inside-skipped',
      severity: 'note',
      message: `Left out ${plural(paths.length, what)} (${why}): ${named}${more}.`,
    })
  }

  #add(bytes: number): void {
    this.#done += bytes
    if (this.#total > 0) this.#control.progress(Math.min(1, this.#done / this.#total))
  }
}
