import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import type { Problem } from '../base/index.ts'
import { quoted } from '../disk/index.ts'
import { factsOfFile } from './disk-files.ts'
import { syncFolder, writeFileAtomically } from './files.ts'
import { systemError } from './system-error.ts'

/**
 * A merge writes into a disk that other files may lie on, and can be killed half-way. From its first write to its
 * end a small hidden file beside that disk says so, so that nobody takes the disk for whole, or writes to it.
 */
export interface MergeMarker {
  /**
   * `merging`: the disk below holds a part of the child. `merged`: it holds all of it, durably, and the child is
   * about to be removed.
   */
  readonly state: 'merging' | 'merged'
  /** Id of the disk that is written, where its format has one: a marker of another disk of that name counts nothing. */
  readonly targetId?: string | undefined
  /** Absolute path of the topmost file that is merged, and its id. */
  readonly child: string
  readonly childId?: string | undefined
  /** Of the child when it was `merged`: one that changed since has to be merged again. */
  readonly childSize?: number | undefined
  readonly childTime?: number | undefined
}

const schema = z.object({
  state: z.enum(['merging', 'merged']),
  targetId: z.string().optional(),
  child: z.string(),
  childId: z.string().optional(),
  childSize: z.number().optional(),
  childTime: z.number().optional(),
})

/** Short whatever the disk's name: one of 255 bytes is allowed. */
export function mergeMarkerPath(target: string): string {
  const name = createHash('sha256').update(basename(target)).digest('hex').slice(0, 16)
  return join(dirname(target), `.${name}.merging`)
}

/** What is known of a merge into this disk that was begun and not ended; `undefined` = none. */
export function readMergeMarker(target: string): MergeMarker | undefined {
  let text: string
  try {
    text = readFileSync(mergeMarkerPath(target), 'utf8')
  } catch {
    return undefined
  }
  const marker = parseMarker(text)
  return marker.targetId === undefined || marker.targetId === idOf(target) ? marker : undefined
}

/** A marker that cannot be read was made all the same, so a merge was begun. */
function parseMarker(text: string): MergeMarker {
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return { state: 'merging', child: 'another disk' }
  }
}

function idOf(path: string): string | undefined {
  try {
    return factsOfFile(path).id
  } catch {
    return undefined
  }
}

/** Durable when it returns. @throws VivariumError when the disk's folder cannot be written. */
export function writeMergeMarker(target: string, marker: MergeMarker): void {
  writeFileAtomically(mergeMarkerPath(target), `${JSON.stringify(marker)}\n`, 0o644)
}

export function removeMergeMarker(target: string): void {
  try {
    rmSync(mergeMarkerPath(target), { force: true })
    syncFolder(dirname(target))
  } catch (error) {
    throw systemError(error, target)
  }
}

/** In words; `undefined` when no merge into the disk is to be ended. */
export function mergeProblem(target: string): Problem | undefined {
  const marker = readMergeMarker(target)
  if (marker === undefined || marker.state === 'merged') return undefined
  return {
    code: 'merge-not-ended',
    severity: 'warning',
    message: `A merge of ${marker.child} into ${target} was begun and not ended: that disk holds a part of it.`,
    next: existsSync(marker.child)
      ? `Run it again: vivarium disk merge ${quoted(marker.child)}. The merged disk itself is whole all the time.`
      : 'Bring the merged disk back and merge it again. To go on with what is here as it is, convert it to a new disk.',
    where: { path: target },
  }
}
