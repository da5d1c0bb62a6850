import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Problem, VivariumError } from '../../base/index.ts'
import { setUndoDisk, setUndoEnabled, undoFileName } from '../../machine/index.ts'
import { childrenOf, createDiskFile, factsOfFile, formatNamed, inspectDisk } from '../../system/index.ts'
import { sectorSizeNotes } from '../plan-image.ts'
import {
  demandNotSaved,
  editMachine,
  holding,
  orphansOf,
  readUndoMachine,
  referenceTo,
  type UndoDrive,
  type UndoMachine,
} from './machine.ts'

export interface CreatedUndo {
  readonly machine: string
  readonly created: { readonly place: string; readonly base: string; readonly undo: string }[]
  /** What the disks lose under their undo disks. */
  readonly problems: readonly Problem[]
}

/**
 * Puts an undo disk on every hard disk of a machine that has none, beside the machine file, and records all of them
 * at once: all disks of a machine or none, as in Virtual PC. The files are whole before they are recorded; those
 * that were not recorded any more because of a kill are empty, and removed by the next call.
 * @throws VivariumError kind `busy` while the machine runs, `conflict` when it was saved or an undo disk is away.
 */
export async function createUndoDisks(
  file: string,
  roots: readonly string[],
  now: Date = new Date(),
): Promise<CreatedUndo> {
  const machine = readUndoMachine(file, roots)
  demandNotSaved(machine)
  if (machine.drives.length === 0) throw noDisks(machine)
  for (const drive of machine.drives) demandThere(machine, drive)
  const bare = machine.drives.filter(({ undo }) => undo === undefined)
  return holding(
    bare.map(({ base }) => base),
    () => {
      removeLeftovers(machine, bare)
      const problems = bare.flatMap(({ base }) => lostBelowUndo(base))
      return { machine: machine.path, created: putUndoDisks(machine, bare, now), problems }
    },
  )
}

function lostBelowUndo(base: string): Problem[] {
  const notes = sectorSizeNotes(formatNamed('vhd'), factsOfFile(base))
  return notes.map((note) => ({ ...note, where: { path: base } }))
}

function noDisks({ path }: UndoMachine): VivariumError {
  return new VivariumError(
    'invalid',
    'machine-without-disks',
    'The machine has no hard disk at an IDE place.',
    {
      where: { path },
      next: 'Only such disks can have an undo disk.',
    },
  )
}

function demandThere(machine: UndoMachine, { place, recordedAs, undo }: UndoDrive): void {
  if (recordedAs === undefined || undo !== undefined) return
  throw new VivariumError(
    'conflict',
    'undo-missing',
    `The undo disk of ${place}, "${recordedAs}", is not there.`,
    {
      where: { path: machine.path, field: place },
      next: 'Bring it back, or give its changes up: vivarium undo discard.',
    },
  )
}

function putUndoDisks(machine: UndoMachine, drives: readonly UndoDrive[], now: Date): CreatedUndo['created'] {
  const created: CreatedUndo['created'] = []
  try {
    for (const drive of drives) {
      const undo = join(machine.folder, undoFileName(machine.name, drive, now))
      createDiskFile(undo, { format: 'vhd', subformat: 'differencing', parent: drive.base })
      created.push({ place: drive.place, base: drive.base, undo })
    }
    editMachine(machine, (document) => {
      for (const [index, { channel, unit }] of drives.entries())
        setUndoDisk(document, channel, unit, referenceTo(created[index]!.undo, machine.folder))
      setUndoEnabled(document, true)
    })
    return created
  } catch (error) {
    for (const { undo } of created) rmSync(undo, { force: true })
    throw error
  }
}

/** What a kill left between the making and the recording: nothing was ever written to it. */
function removeLeftovers(machine: UndoMachine, drives: readonly UndoDrive[]): void {
  const orphans = new Set(orphansOf(machine))
  for (const { base } of drives)
    for (const child of childrenOf(base, factsOfFile(base), [machine.folder]))
      if (orphans.has(child) && inspectDisk(child).allocated === 0) rmSync(child)
}
