import { rmSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { type Problem, VivariumError } from '../../base/index.ts'
import { type PreferencesDocument, setUndoDisk, setUndoKept } from '../../machine/index.ts'
import { layersOf, removeMergeMarker, resolveChain, syncFolder, systemError } from '../../system/index.ts'
import { demandNoneLost } from '../lost-children.ts'
import { mergeIntoParent } from '../merge-into-parent.ts'
import type { OperationControl } from '../operation.ts'
import {
  demandNotSaved,
  editMachine,
  holding,
  readUndoMachine,
  type UndoDrive,
  type UndoMachine,
} from './machine.ts'
import { isOwnUndoDisk } from './own-undo-disk.ts'
import { isHalfCommitted, stateOf } from './status.ts'

const NOTHING_TO_DECIDE = 'There is nothing to commit or to discard: what the guest wrote is in its disks.'

/** What became of the undo disks of a machine. */
export interface DecidedUndo {
  readonly machine: string
  readonly drives: readonly { readonly place: string; readonly base: string; readonly undo: string }[]
  /** Bytes of the guests' disks that were written; only after a commit. */
  readonly bytes?: number
  /** Of a discard: files that were recorded and are not the machine's own undo disks. They are kept. */
  readonly problems?: readonly Problem[]
}

/**
 * Writes the changes in a machine's undo disks into its disks, removes the undo disks and their records; one disk
 * after the other. Killed at any moment, it is run again: what is done already is not done twice.
 * @throws VivariumError kind `busy` while the machine runs; `conflict` when an undo disk is away, is not the disk's
 *   own, or other disks lie on the machine's disk.
 */
export async function commitUndoDisks(
  file: string,
  { roots, searchFolders, signal, progress }: OperationControl,
): Promise<DecidedUndo> {
  const machine = readUndoMachine(file, roots)
  demandNotSaved(machine)
  const drives = recorded(machine, NOTHING_TO_DECIDE)
  const chains = drives.map((drive) => chainOf(machine, drive, roots, searchFolders))
  let bytes = 0
  for (const [index, drive] of drives.entries()) {
    const forget = () => editMachine(machine, (document) => forgetUndo(document, drive))
    const layers = chains[index]
    // Its file is gone already: only the record is left to be removed.
    if (layers === undefined) {
      forget()
      removeMergeMarker(drive.base)
      continue
    }
    bytes += await mergeIntoParent(layers, {
      signal,
      deleteMerged: true,
      afterDelete: forget,
      onProgress: (fraction) =>
        progress((index + fraction) / drives.length, `Writing into ${basename(drive.base)}`),
    })
  }
  return { machine: machine.path, drives: drives.map(named), bytes }
}

/** @throws VivariumError kind `conflict`, code `undo-missing` or `undo-not-of-this-disk`. */
function chainOf(
  machine: UndoMachine,
  drive: UndoDrive,
  roots: readonly string[],
  searchFolders: readonly string[] = [],
): string[] | undefined {
  const state = stateOf(drive)
  if (state === 'committed') return undefined
  if (drive.undo === undefined) throw undoMissing(machine, drive)
  const chain = resolveChain(drive.undo, { roots, searchFolders: [dirname(drive.base), ...searchFolders] })
  const layers = layersOf(chain)
  if (layers[1] !== drive.base)
    throw new VivariumError(
      'conflict',
      'undo-not-of-this-disk',
      `The undo disk of ${drive.place} was not made on ${drive.base}, but on ${layers[1] ?? 'nothing'}.`,
      {
        where: { path: drive.undo },
        next: 'Put the right one there, or take it out: vivarium undo discard.',
      },
    )
  demandNoneLost(chain.layers.slice(0, 2), {
    deleteChild: true,
    folders: [machine.folder, dirname(drive.base)],
  })
  return layers
}

function undoMissing({ path }: UndoMachine, { place, recordedAs }: UndoDrive): VivariumError {
  return new VivariumError(
    'conflict',
    'undo-missing',
    `The undo disk of ${place}, "${recordedAs}", is not there.`,
    {
      where: { path, field: place },
      next: 'Bring it back, or give its changes up: vivarium undo discard.',
    },
  )
}

/**
 * Throws the changes away: the records go first, so that the machine is on its disks again at once; then the files.
 * A machine file can name any file: what is not its own undo disk is taken out of it, and stays where it is.
 * @throws VivariumError kind `conflict`, code `undo-half-committed`, when a commit was begun and not ended.
 */
export async function discardUndoDisks(file: string, roots: readonly string[]): Promise<DecidedUndo> {
  const machine = readUndoMachine(file, roots)
  demandNotSaved(machine)
  const drives = recorded(machine, NOTHING_TO_DECIDE)
  const half = drives.find(isHalfCommitted)
  if (half !== undefined)
    throw new VivariumError('conflict', 'undo-half-committed', 'A commit was begun and not ended.', {
      where: { path: half.base },
      next: 'Commit again: the disk below holds a part of the changes already.',
    })
  const files = drives.flatMap(({ undo }) => (undo === undefined ? [] : [undo]))
  const foreign = new Set(
    drives.flatMap((drive) =>
      drive.undo === undefined || isOwnUndoDisk(machine, drive) ? [] : [drive.undo],
    ),
  )
  const committed = drives.filter((drive) => stateOf(drive) === 'committed')
  await holding(
    files,
    () => {
      editMachine(machine, (document) => {
        for (const drive of drives) forgetUndo(document, drive)
      })
      for (const path of files) if (!foreign.has(path)) removeFile(path)
      for (const { base } of committed) removeMergeMarker(base)
    },
    'any',
  )
  return {
    machine: machine.path,
    drives: drives.filter(({ undo }) => undo === undefined || !foreign.has(undo)).map(named),
    problems: [...foreign].map(keptProblem),
  }
}

/**
 * Leaves everything as it is, and records that this was meant: Virtual PC's third answer besides commit and discard.
 * The machine goes on with its undo disks at the next start.
 */
export function keepUndoDisks(file: string, roots: readonly string[]): DecidedUndo {
  const machine = readUndoMachine(file, roots)
  const drives = recorded(machine)
  editMachine(machine, (document) => setUndoKept(document, true))
  return { machine: machine.path, drives: drives.map(named) }
}

function keptProblem(path: string): Problem {
  return {
    code: 'undo-not-own',
    severity: 'warning',
    message:
      'The machine file named it as an undo disk, and it is none of this machine. It was taken out and kept.',
    where: { path },
    next: 'Delete it yourself if it is of no use.',
  }
}

function recorded(machine: UndoMachine, next = 'Make them with: vivarium undo create.'): UndoDrive[] {
  const drives = machine.drives.filter(({ recordedAs }) => recordedAs !== undefined)
  if (drives.length > 0) return drives
  throw new VivariumError('conflict', 'no-undo-disks', 'The machine has no undo disks.', {
    where: { path: machine.path },
    next,
  })
}

function forgetUndo(document: PreferencesDocument, { channel, unit }: UndoDrive): void {
  setUndoDisk(document, channel, unit, undefined)
}

function removeFile(path: string): void {
  try {
    rmSync(path, { force: true })
    syncFolder(dirname(path))
  } catch (error) {
    throw systemError(error, path)
  }
}

function named({ place, base, undo, recordedAs = '' }: UndoDrive) {
  return { place, base, undo: undo ?? recordedAs }
}
