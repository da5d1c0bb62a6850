import type { Drive, FloppyDrive } from '../machine.ts'
import type { GroupReader } from '../preferences/reader.ts'
import { driveLetterOf, hostDiskOf, readReference, referenceLabel } from './references.ts'

/**
 * Hard disks, CDs and floppies. `ide_adapter/ide_controller[@id]/location[@id]` is seen in every file;
 * `scsi_adapter/scsi_controller[@id]/location[@id]` is by analogy: no file of Virtual Server was found
 * (formats.md 2.2), so it is read and never written.
 */
const BUSES = [
  { bus: 'ide', adapter: 'ide_adapter', controller: 'ide_controller', channels: 2, units: 2 },
  { bus: 'scsi', adapter: 'scsi_adapter', controller: 'scsi_controller', channels: 4, units: 16 },
] as const
type Bus = (typeof BUSES)[number]

/** VMDriveType of the Virtual Server SDK. */
export const DRIVE_TYPE = { none: 0, disk: 1, cd: 2 } as const

export function readDrives(pciBus: GroupReader): Drive[] {
  const drives = BUSES.flatMap((bus) => readBus(pciBus, bus))
  const scsi = drives.filter((drive) => drive.bus === 'scsi').length
  if (scsi > 0) {
    pciBus.problem(
      'scsi-drive',
      'warning',
      `The machine has ${scsi === 1 ? 'a SCSI drive' : `${scsi} SCSI drives`}; Vivarium gives a machine IDE drives only.`,
      'Move each disk to a free IDE place, and enable the IDE driver in the guest first if it boots from SCSI.',
      'scsi_adapter',
    )
  }
  return drives.sort((a, b) => a.bus.localeCompare(b.bus) || a.channel - b.channel || a.unit - b.unit)
}

function readBus(pciBus: GroupReader, bus: Bus): Drive[] {
  const drives = new Map<string, Drive>()
  for (const controller of pciBus.group(bus.adapter).groups(bus.controller)) {
    for (const location of controller.groups('location')) {
      const drive = readLocation(location, bus, controller.index ?? -1, location.index ?? -1)
      if (!drive) continue
      const place = `${drive.channel}:${drive.unit}`
      if (drives.has(place)) {
        location.problem(
          'position-twice',
          'warning',
          `Two drives claim ${placeLabel(drive)}; the first one counts.`,
          'Remove one of them, or give it another place.',
        )
      } else drives.set(place, drive)
    }
  }
  return [...drives.values()]
}

function readLocation(location: GroupReader, bus: Bus, channel: number, unit: number): Drive | undefined {
  const reference = readReference(location.group('pathname'))
  const type = location.integer('drive_type')
  // Tools that write files themselves leave the type out; without one, an ISO image is a CD.
  const guessed =
    reference === undefined
      ? DRIVE_TYPE.none
      : /\.iso$/i.test(referenceLabel(reference))
        ? DRIVE_TYPE.cd
        : DRIVE_TYPE.disk
  const kind = type ?? guessed
  if (kind === DRIVE_TYPE.none) return undefined
  if (kind !== DRIVE_TYPE.disk && kind !== DRIVE_TYPE.cd) {
    location.problem(
      'drive-type',
      'warning',
      `The drive has the unknown type ${kind}; 1 is a hard disk and 2 a CD.`,
      'The drive is left out: correct its type.',
      'drive_type',
    )
    return undefined
  }
  if (channel < 0 || channel >= bus.channels || unit < 0 || unit >= bus.units) {
    location.problem(
      'position-invalid',
      'warning',
      `There is no such place: ${bus.bus.toUpperCase()} has controllers 0 to ${bus.channels - 1} with places 0 to ${bus.units - 1}.`,
      'The drive is left out: give it a free place.',
    )
    return undefined
  }
  const undo = readReference(location.group('undo_pathname'))
  const hostDrive = reference && (driveLetterOf(reference) ?? hostDiskOf(reference))
  const drive: Drive = {
    bus: bus.bus,
    channel,
    unit,
    kind: kind === DRIVE_TYPE.disk ? 'disk' : 'cd',
    ...(hostDrive !== undefined ? { hostDrive } : reference && { image: reference }),
    ...(undo && { undo }),
  }
  checkDrive(location, drive)
  return drive
}

function checkDrive(location: GroupReader, drive: Drive): void {
  const place = placeLabel(drive)
  if (drive.hostDrive !== undefined && drive.kind === 'cd') {
    location.problem(
      'host-drive',
      'warning',
      `The CD drive at ${place} was drive ${drive.hostDrive}: of the old host; here it is empty.`,
      'Put an ISO image in it if the guest needs one.',
      'pathname',
    )
  } else if (drive.hostDrive !== undefined) {
    location.problem(
      'host-disk',
      'error',
      `The disk at ${place} is linked to ${drive.hostDrive} of the old host, not to an image.`,
      'Make an image of that disk on the old host, and attach it here.',
      'pathname',
    )
  } else if (drive.kind === 'disk' && !drive.image) {
    location.problem(
      'disk-without-image',
      'error',
      `The hard disk at ${place} names no image file.`,
      'Attach an image, or remove the disk.',
      'pathname',
    )
  }
}

/** "IDE 0:1". */
export function placeLabel(drive: Pick<Drive, 'bus' | 'channel' | 'unit'>): string {
  return `${drive.bus.toUpperCase()} ${drive.channel}:${drive.unit}`
}

/** Virtual PC has one floppy drive, Virtual Server two. `<floppy>` without id holds what they share. */
export function readFloppies(superIo: GroupReader): FloppyDrive[] {
  const floppies = new Map<number, FloppyDrive>()
  for (const group of superIo.groups('floppy')) {
    const index = group.index
    if (index !== 0 && index !== 1) {
      group.problem('position-invalid', 'warning', 'There are only the floppy drives 0 and 1.', LEFT_OUT)
    } else if (floppies.has(index)) {
      group.problem(
        'position-twice',
        'warning',
        `Floppy drive ${index} is there twice.`,
        'Remove one of them.',
      )
    } else floppies.set(index, readFloppy(group, index))
  }
  return [...floppies.values()].sort((a, b) => a.index - b.index)
}

function readFloppy(group: GroupReader, index: number): FloppyDrive {
  const image = readReference(group.group('pathname'))
  const letter = image && driveLetterOf(image)
  if (letter !== undefined) {
    group.problem(
      'host-drive',
      'warning',
      `Floppy drive ${index} was drive ${letter}: of the old host; here it is empty.`,
      'Put a floppy image in it if the guest needs one.',
      'pathname',
    )
    return { index }
  }
  return { index, ...(image && { image }) }
}

const LEFT_OUT = 'The drive is left out: remove it from the file.'
