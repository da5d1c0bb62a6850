import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, relative } from 'node:path'
import { VivariumError } from '../../base/index.ts'
import {
  type Drive,
  type FileReference,
  isUndoOf,
  type Machine,
  type PreferencesDocument,
  parseUndoFileName,
  placeLabel,
  readVmc,
  referenceLabel,
  stampModifier,
} from '../../machine/index.ts'
import {
  claimDiskFiles,
  type EvenIfUnfinished,
  readMachineFile,
  realPath,
  requireInside,
  resolveReference,
  writeMachineFile,
} from '../../system/index.ts'

/** One hard disk of a machine file, with the undo disk that the file records for it. */
export interface UndoDrive {
  readonly channel: number
  readonly unit: number
  /** "IDE 0:0". */
  readonly place: string
  /** The disk's own file. */
  readonly base: string
  /** As recorded in the machine file; absent = it has none. */
  readonly recordedAs?: string
  /** The recorded file, where it is there. */
  readonly undo?: string
}

/** A machine file as far as its undo disks go. */
export interface UndoMachine {
  readonly path: string
  readonly name: string
  readonly folder: string
  readonly machine: Machine
  readonly drives: readonly UndoDrive[]
}

/**
 * Reads a machine file and finds its hard disks. SCSI drives and drives of the old host have no undo disk here.
 * @throws VivariumError kind `invalid` for another file, `conflict` for a disk that is not there.
 */
export function readUndoMachine(file: string, roots: readonly string[]): UndoMachine {
  const path = requireInside(realPath(file), roots)
  const { document, format, name } = readMachineFile(path)
  if (format !== 'vmc')
    throw new VivariumError('invalid', 'not-a-machine', 'It is not the file of a machine.', {
      where: { path },
      next: 'Name the .vmc file of a machine.',
    })
  const { machine } = readVmc(document, name)
  const drives = machine.drives
    .filter(({ bus, kind, image }) => bus === 'ide' && kind === 'disk' && image !== undefined)
    .map((drive) => undoDriveOf(drive, path, roots))
  return { path, name, folder: dirname(path), machine, drives }
}

function undoDriveOf(drive: Drive, path: string, roots: readonly string[]): UndoDrive {
  const { channel, unit, image, undo } = drive
  const place = placeLabel(drive)
  const base = image && resolveReference(image, path, { roots })
  if (base?.path === undefined)
    throw new VivariumError(
      'conflict',
      'disk-missing',
      `The disk at ${place}, "${image ? referenceLabel(image) : ''}": ${base?.problem?.message ?? 'it was not found.'}`,
      { where: { path, field: place }, next: base?.problem?.next ?? 'Put it back beside the machine file.' },
    )
  const found = undo && resolveReference(undo, path, { roots }).path
  return {
    channel,
    unit,
    place,
    base: base.path,
    ...(undo && { recordedAs: referenceLabel(undo) }),
    ...(found !== undefined && { undo: found }),
  }
}

/** Virtual PC lets nobody change disks or undo disks below a saved state (formats.md 5.2). */
export function demandNotSaved({ machine, path }: UndoMachine): void {
  if (machine.savedState === undefined) return
  throw new VivariumError('conflict', 'machine-saved', 'The machine was saved in the middle of its run.', {
    where: { path },
    next: 'Shut it down in the product that saved it, or discard the saved state first.',
  })
}

/**
 * Holds the files as long as `act` goes on. @throws VivariumError kind `busy` while a machine uses one of them;
 * `conflict` when a merge into one or a repair of it is to be ended first.
 */
export async function holding<Result>(
  paths: Iterable<string>,
  act: () => Result | Promise<Result>,
  evenIfUnfinished?: EvenIfUnfinished,
): Promise<Result> {
  const wanted = Array.from(new Set(paths), (path) => ({ path, mode: 'w' as const }))
  const claim = claimDiskFiles(wanted, { evenIfUnfinished })
  try {
    return await act()
  } finally {
    claim.release()
  }
}

/**
 * Changes a machine file in these places and no other; atomically, and durable when it returns. It is read again first:
 * somebody may have edited it meanwhile.
 */
export function editMachine({ path }: UndoMachine, edit: (document: PreferencesDocument) => void): void {
  const { document } = readMachineFile(path)
  edit(document)
  stampModifier(document)
  writeMachineFile(path, document)
}

/** The machine files beside an undo disk that record it. */
export function machinesRecording(undo: string, roots: readonly string[]): string[] {
  const folder = dirname(undo)
  const machines = readdirSync(folder).filter((name) => extname(name).toLowerCase() === '.vmc')
  return machines.map((name) => join(folder, name)).filter((path) => records(path, undo, roots))
}

function records(machine: string, undo: string, roots: readonly string[]): boolean {
  try {
    return readUndoMachine(machine, roots).drives.some((drive) => drive.undo === undo)
  } catch (error) {
    // Of a machine file that cannot be read nothing is known.
    if (error instanceof VivariumError) return false
    throw error
  }
}

/** How a machine file names an undo disk. */
export function referenceTo(undo: string, folder: string): FileReference {
  const fromFolder = relative(folder, undo).replaceAll('/', '\\')
  return { absolute: undo, relative: fromFolder.startsWith('..') ? fromFolder : `.\\${fromFolder}` }
}

/** Undo disks beside the machine file that are called as its own are, and that it does not record. */
export function orphansOf({ name, folder, drives }: UndoMachine): string[] {
  const recorded = new Set(drives.flatMap(({ undo }) => (undo === undefined ? [] : [undo])))
  return readdirSync(folder)
    .filter((file) => extname(file).toLowerCase() === '.vud')
    .filter((file) => {
      const parsed = parseUndoFileName(basename(file))
      return parsed !== undefined && isUndoOf(parsed, name)
    })
    .map((file) => join(folder, file))
    .filter((path) => !recorded.has(path) && statSync(path, { throwIfNoEntry: false })?.isFile() === true)
}
