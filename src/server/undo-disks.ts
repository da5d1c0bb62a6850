import { existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { VivariumError } from '../base/index.ts'
import { undoFileName } from '../machine/index.ts'
import {
  createDiskFile,
  makeFolder,
  readMergeMarker,
  removeMergeMarker,
  resolveChain,
} from '../system/index.ts'
import { mergeIntoParent } from '../workshop/index.ts'
import type { Registration, Registry, UndoDisk } from './registry.ts'
import type { DriveDetails } from './run-spec.ts'
import type { TaskControl } from './tasks.ts'

/**
 * Undo disks of one machine: a differencing child on top of each of its disks, kept in the data folder, so that
 * a machine opened where it lies is never changed. All disks of the machine or none, as in Virtual PC.
 */
export class UndoDisks {
  readonly #registry: Registry
  readonly #folder: string

  constructor(registry: Registry, folder: string) {
    this.#registry = registry
    this.#folder = folder
  }

  /** As recorded. A file that is away, even for a moment, is never forgotten: there may be work in it. */
  list(machineId: string): UndoDisk[] {
    return this.#registry.undoDisks(machineId)
  }

  sizeBytes(machineId: string): number {
    const sizes = this.list(machineId).map(({ path }) => statSync(path, { throwIfNoEntry: false })?.size ?? 0)
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  /** Gives every hard disk of a prepared machine an undo disk, where it has none yet. */
  cover(machine: Registration, name: string, drives: readonly DriveDetails[]): void {
    const have = new Set(this.list(machine.id).map((disk) => `${disk.channel}:${disk.unit}`))
    for (const { channel, unit, kind, layers } of drives) {
      if (kind === 'disk' && !have.has(`${channel}:${unit}`))
        this.#create(machine, name, { channel, unit }, layers[0]!)
    }
  }

  /** Puts a fresh undo disk on `base`. The record is written before the file is used, and after it is whole. */
  #create(
    machine: Registration,
    name: string,
    position: { channel: number; unit: number },
    base: string,
  ): void {
    const folder = join(this.#folder, machine.id)
    makeFolder(folder, 0o700)
    const path = join(folder, undoFileName(name, position, new Date()))
    createDiskFile(path, { format: 'vhd', subformat: 'differencing', parent: base })
    this.#registry.putUndoDisk(machine.id, { ...position, path, base, merging: false })
  }

  /** @throws VivariumError kind `conflict` when a commit was begun and not ended: the disks are one with their bases. */
  discard(machineId: string): void {
    const disks = this.list(machineId)
    const begun = disks.find(({ merging }) => merging)
    if (begun !== undefined) {
      throw new VivariumError(
        'conflict',
        'undo-half-committed',
        'A commit of these undo disks was begun and not ended.',
        {
          where: { path: begun.base },
          next: 'Commit them again: the disk below holds a part of the changes already.',
        },
      )
    }
    for (const disk of disks) {
      rmSync(disk.path, { force: true })
      this.#registry.removeUndoDisk(machineId, disk)
    }
    rmSync(join(this.#folder, machineId), { recursive: true, force: true })
  }

  /**
   * Writes the changes into the machine's own disks. An undo disk is deleted only when all of it is in its
   * parent and on stable storage; killed half-way, the same commit can simply be run again.
   */
  async commit(machineId: string, roots: readonly string[], control: TaskControl): Promise<void> {
    const disks = this.list(machineId)
    for (const [index, disk] of disks.entries()) {
      const forget = () => this.#registry.removeUndoDisk(machineId, disk)
      if (isCommitted(disk)) {
        forget()
        removeMergeMarker(disk.base)
        continue
      }
      const chain = resolveChain(disk.path, { roots: [...roots, disk.path, disk.base] })
      const broken = chain.problems.find((problem) => problem.severity === 'error')
      if (broken !== undefined) {
        throw new VivariumError('conflict', broken.code, broken.message, {
          where: broken.where,
          next: broken.next,
        })
      }
      this.#registry.putUndoDisk(machineId, { ...disk, merging: true })
      await mergeIntoParent(
        chain.layers.map(({ path }) => path),
        {
          signal: control.signal,
          deleteMerged: true,
          afterDelete: forget,
          onProgress: (fraction) =>
            control.progress(((index + fraction) / disks.length) * 100, `Writing into ${disk.base}`),
        },
      )
    }
  }
}

/** Killed between the removal of the file and that of its record: the disk below has all of it, and says so. */
function isCommitted({ path, base, merging }: UndoDisk): boolean {
  if (!merging || existsSync(path)) return false
  const marker = readMergeMarker(base)
  return marker?.state === 'merged' && marker.child === path
}
