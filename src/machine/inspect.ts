import type { Problem } from '../base/index.ts'
import type { Drive, FileReference, FloppyDrive, Machine } from './machine.ts'
import type { ResolvedReference } from './paths.ts'
import { encodingLabel } from './preferences/check.ts'
import type { PreferencesDocument } from './preferences/document.ts'
import type { MachineReport } from './report.ts'
import { placeLabel } from './vmc/drives.ts'
import { networkLabel } from './vmc/networks.ts'
import { referenceLabel } from './vmc/references.ts'

/** A broken file can have a problem in every key; a person needs the first ones. */
const MOST_PROBLEMS = 200

export interface MachineReading {
  readonly format: 'vmc' | 'vmcx'
  readonly document: PreferencesDocument
  readonly machine: Machine
  readonly problems: readonly Problem[]
}

/**
 * The report of a machine file. Pure: what is on this host comes from `resolve`.
 */
export function reportMachine(
  reading: MachineReading,
  resolve: (reference: FileReference) => ResolvedReference,
): MachineReport {
  const { machine, document, format } = reading
  const path = document.path
  const problems: Problem[] = [...reading.problems]
  const add: Add = (code, severity, field, message, next) =>
    problems.push({ code, severity, message, next, where: { path, field } })
  // A VMCX is only a shortcut, and the disks it names are found through its VMC.
  const missing = format === 'vmcx' ? 'warning' : 'error'
  const disks = machine.drives.map((drive) => reportDrive(drive, resolve, add, missing))
  const floppies = machine.floppies.map((floppy) => reportFloppy(floppy, resolve, add))
  if (machine.savedState) checkSavedState(machine.savedState, resolve, add)
  return {
    kind: 'machine',
    path,
    format,
    encoding: encodingLabel(document),
    name: machine.name,
    memoryMB: machine.memoryMB,
    disks,
    floppies,
    adapters: machine.adapters.map(({ index, mac, network }) => ({
      index,
      ...(mac !== undefined && { mac }),
      network: networkLabel(network),
      networkKind: network.kind,
    })),
    serialPorts: machine.serialPorts.map((port) => ({ ...port })),
    parallelPort: machine.parallelPort.kind,
    sound: machine.sound,
    undoEnabled: machine.undoEnabled,
    ...(machine.savedState && { savedState: referenceLabel(machine.savedState) }),
    ...(machine.guestOs !== undefined && { guestOs: machine.guestOs }),
    ...(machine.notes !== undefined && { notes: machine.notes }),
    ...(machine.biosGuid !== undefined && { biosGuid: machine.biosGuid }),
    ...(machine.creator && { creator: machine.creator }),
    ...(machine.modifier && { modifier: machine.modifier }),
    problems: limitProblems(problems, path),
  }
}

export function limitProblems(problems: readonly Problem[], path: string): Problem[] {
  if (problems.length <= MOST_PROBLEMS) return [...problems]
  const more = problems.length - MOST_PROBLEMS
  return [
    ...problems.slice(0, MOST_PROBLEMS),
    {
      code: 'more-problems',
      severity: 'warning',
      message: `There are ${more} more problems.`,
      where: { path },
    },
  ]
}

type Add = (
  code: string,
  severity: Problem['severity'],
  field: string,
  message: string,
  next: string | undefined,
) => void

type Resolve = (reference: FileReference) => ResolvedReference

function reportDrive(
  drive: Drive,
  resolve: Resolve,
  add: Add,
  missing: Problem['severity'],
): MachineReport['disks'][number] {
  const { bus, channel, unit, kind, hostDrive, image, undo } = drive
  const place = placeLabel(drive)
  const found = image && resolve(image)
  const foundUndo = undo && resolve(undo)
  if (image && found) {
    const what = kind === 'disk' ? 'disk' : 'CD'
    noteFinding(add, what, place, image, found, kind === 'disk' ? missing : 'warning')
  }
  if (undo && foundUndo) checkUndo(add, place, undo, foundUndo)
  return {
    bus,
    channel,
    unit,
    kind,
    ...(image && { path: referenceLabel(image) }),
    ...(found?.path !== undefined && { resolvedPath: found.path }),
    ...(hostDrive !== undefined && { hostDrive }),
    ...(undo && { undoPath: referenceLabel(undo) }),
    ...(foundUndo?.path !== undefined && { resolvedUndoPath: foundUndo.path }),
  }
}

function reportFloppy(
  { index, image }: FloppyDrive,
  resolve: Resolve,
  add: Add,
): MachineReport['floppies'][number] {
  const found = image && resolve(image)
  if (image && found) noteFinding(add, 'floppy', `floppy drive ${index}`, image, found, 'warning')
  return {
    index,
    ...(image && { path: referenceLabel(image) }),
    ...(found?.path !== undefined && { resolvedPath: found.path }),
  }
}

function noteFinding(
  add: Add,
  what: 'disk' | 'CD' | 'floppy',
  place: string,
  image: FileReference,
  found: ResolvedReference,
  severity: Problem['severity'],
): void {
  const name = referenceLabel(image)
  if (found.problem) {
    const code = found.problem.code === 'file-missing' ? `${what.toLowerCase()}-missing` : found.problem.code
    add(
      code,
      severity,
      place,
      `The ${what} image at ${place}, "${name}": ${found.problem.message}`,
      found.problem.next,
    )
  } else if (found.foundBy === 'beside') {
    add(
      'found-beside',
      'note',
      place,
      `The ${what} image at ${place}, "${name}", is not where the file says; the one of that name beside it is used.`,
      'Make sure that it is the right one.',
    )
  }
}

function checkUndo(add: Add, place: string, undo: FileReference, found: ResolvedReference): void {
  const name = referenceLabel(undo)
  if (found.path !== undefined) {
    add(
      'undo-present',
      'warning',
      place,
      `The disk at ${place} has an undo disk, "${name}", with changes that were never decided on.`,
      'It is used as it is; commit it to keep the changes for good, or discard it.',
    )
  } else {
    add(
      found.problem?.code === 'outside-roots' ? 'outside-roots' : 'undo-missing',
      'warning',
      place,
      `The undo disk of ${place}, "${name}": ${found.problem?.message ?? 'it was not found.'}`,
      'Bring it back to have its changes; without it the disk is as it was before them.',
    )
  }
}

function checkSavedState(reference: FileReference, resolve: Resolve, add: Add): void {
  const name = referenceLabel(reference)
  const field = 'settings/configuration/saved_state'
  if (resolve(reference).path !== undefined) {
    add(
      'saved-state',
      'warning',
      field,
      `The machine was saved in the middle of its run ("${name}"); that state cannot be restored here.`,
      'Discard it: the machine then starts as after a power cut. To lose nothing, shut it down in the old product.',
    )
  } else {
    add(
      'saved-state-missing',
      'warning',
      field,
      `The machine was saved in the middle of its run, but the saved state "${name}" is gone.`,
      'Discard it: the machine then starts as after a power cut.',
    )
  }
}
