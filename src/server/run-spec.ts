import { type Problem, VivariumError } from '../base/index.ts'
import type { RunAdapter, RunDrive, RunFloppy, RunSpec } from '../engine/index.ts'
import { type Drive, type Machine, type NetworkReference, newMac } from '../machine/index.ts'
import { resolveReference } from '../system/index.ts'
import { resolveDriveLayers } from './drives.ts'
import type { AdapterWish, UndoDisk } from './registry.ts'

/** What is needed to turn a machine's file into what an engine runs; nothing is made or changed here. */
export interface SpecInput {
  readonly id: string
  readonly path: string
  readonly machine: Machine
  readonly adapterModel: AdapterWish
  readonly macs: Readonly<Record<string, string>>
  readonly undoDisks: readonly UndoDisk[]
  readonly roots: readonly string[]
  readonly runFolder: string
  /** The socket of an adapter's own port on the switch. */
  readonly switchSocket: (index: number) => string
  /** Whether a network is one of this server. */
  readonly isNetworkHere: (network: NetworkReference) => boolean
}

export interface DriveDetails {
  readonly channel: number
  readonly unit: number
  readonly kind: 'disk' | 'cd'
  readonly path?: string
  readonly layers: string[]
  readonly sizeBytes?: number
  readonly problems: Problem[]
}

export interface PreparedSpec {
  readonly spec: RunSpec
  readonly drives: readonly DriveDetails[]
  /** Reasons why this cannot be started. */
  readonly refusals: readonly VivariumError[]
  readonly notes: readonly Problem[]
  /** MAC addresses, those made here included. */
  readonly macs: Readonly<Record<string, string>>
}

/** Reads the disks' chains and says what would run and what stands against it. */
export function prepareSpec(input: SpecInput): PreparedSpec {
  const refusals: VivariumError[] = []
  const notes: Problem[] = []
  const drives = input.machine.drives
    .filter((drive) => isIde(drive, notes))
    .map((drive) => describeDrive(input, drive))
  for (const { refusal, note } of drives) {
    if (refusal !== undefined) refusals.push(refusal)
    if (note !== undefined) notes.push(note)
  }
  const { adapters, macs } = prepareAdapters(input, notes)
  const spec: RunSpec = {
    id: input.id,
    name: input.machine.name,
    runFolder: input.runFolder,
    memoryMB: input.machine.memoryMB,
    videoMemoryMB: input.machine.videoMemoryMB,
    drives: drives.map(({ run }) => run),
    floppies: prepareFloppies(input, notes),
    adapters,
    serialPorts: 2,
    sound: input.machine.sound,
    ...(input.machine.biosGuid !== undefined && { biosGuid: input.machine.biosGuid }),
    accelerator: 'auto',
  }
  return { spec, drives: drives.map(({ details }) => details), refusals, notes, macs }
}

function isIde(drive: Drive, notes: Problem[]): boolean {
  if (drive.bus === 'ide' && drive.channel <= 1 && drive.unit <= 1) return true
  notes.push({
    code: 'scsi-drive-left-out',
    severity: 'warning',
    message: `The drive at ${drive.bus.toUpperCase()} ${drive.channel}:${drive.unit} is left out: engines here have the two IDE channels only.`,
    next: 'Move it to a free IDE position.',
  })
  return false
}

interface DescribedDrive {
  readonly run: RunDrive
  readonly details: DriveDetails
  readonly refusal?: VivariumError
  readonly note?: Problem
}

function describeDrive(input: SpecInput, drive: Drive): DescribedDrive {
  const position = { channel: drive.channel as 0 | 1, unit: drive.unit as 0 | 1, kind: drive.kind }
  const place = `IDE ${drive.channel}:${drive.unit}`
  const image = drive.image && resolveReference(drive.image, input.path, { roots: input.roots })
  const named = drive.image?.relative || drive.image?.absolute
  if (drive.kind === 'cd') return describeCd(position, place, image?.path, named)
  if (image?.path === undefined) {
    const refusal = new VivariumError(
      'conflict',
      'disk-missing',
      image?.problem?.code === 'outside-roots'
        ? `The disk at ${place}, "${named ?? ''}", lies outside the folders that machines may use.`
        : `The disk at ${place}, "${named ?? ''}", was not found.`,
      {
        where: { path: input.path, field: place },
        next:
          image?.problem?.next ??
          'Put the disk back where the machine file says it is, beside the machine file for example.',
      },
    )
    return {
      run: position,
      details: { ...position, layers: [], problems: [problemOf(refusal)], ...(named && { path: named }) },
      refusal,
    }
  }
  return describeDisk(input, drive, position, image.path)
}

function describeCd(
  position: { channel: 0 | 1; unit: 0 | 1; kind: 'disk' | 'cd' },
  place: string,
  image: string | undefined,
  named: string | undefined,
): { run: RunDrive; details: DriveDetails } {
  const problems: Problem[] =
    image !== undefined || !named
      ? []
      : [
          {
            code: 'cd-missing',
            severity: 'warning',
            message: `The CD image at ${place}, "${named}", was not found; the drive starts empty.`,
            next: 'Put the ISO file beside the machine file, or insert one on the machine page.',
          },
        ]
  return {
    run: { ...position, ...(image !== undefined && { image }) },
    details: { ...position, layers: [], problems, ...(image !== undefined && { path: image }) },
  }
}

function describeDisk(
  input: SpecInput,
  drive: Drive,
  position: { channel: 0 | 1; unit: 0 | 1; kind: 'disk' | 'cd' },
  path: string,
): DescribedDrive {
  const ownUndo = drive.undo && resolveReference(drive.undo, input.path, { roots: input.roots })?.path
  const undo = input.undoDisks.find((disk) => disk.channel === drive.channel && disk.unit === drive.unit)
  const chain = resolveDriveLayers([undo?.path, ownUndo, path], input.roots)
  return {
    run: { ...position, disk: { layers: chain.layers, writable: true } },
    details: {
      ...position,
      path,
      layers: chain.layers,
      problems: chain.problems,
      ...(chain.sizeBytes !== undefined && { sizeBytes: chain.sizeBytes }),
    },
    ...(chain.refusal !== undefined && { refusal: chain.refusal }),
    ...(chain.sectorSize !== undefined && { note: sectorSizeNote(path, chain.sectorSize) }),
  }
}

/** With an undo disk on it or without: a drive of a machine has the sectors of its time. */
function sectorSizeNote(path: string, sectorSize: number): Problem {
  return {
    code: 'sector-size-lost',
    severity: 'warning',
    message: `The guest counts in sectors of ${sectorSize} bytes, and a machine's drives have 512.`,
    next: 'Its partitions are not found here: run it where drives have such sectors, as in Hyper-V.',
    where: { path },
  }
}

function prepareFloppies(input: SpecInput, notes: Problem[]): RunFloppy[] {
  const floppies: RunFloppy[] = []
  for (const floppy of input.machine.floppies.slice(0, 2)) {
    const image = floppy.image && resolveReference(floppy.image, input.path, { roots: input.roots })
    if (floppy.image && (floppy.image.relative || floppy.image.absolute) && image?.path === undefined) {
      notes.push({
        code: 'floppy-missing',
        severity: 'warning',
        message: `The floppy image "${floppy.image.relative || floppy.image.absolute}" was not found; the drive starts empty.`,
      })
    }
    // Never written: the image belongs to the machine, and a floppy has no undo disk.
    floppies.push({
      index: floppy.index as 0 | 1,
      writable: false,
      ...(image?.path && { image: image.path }),
    })
  }
  return floppies
}

function prepareAdapters(
  input: SpecInput,
  notes: Problem[],
): { adapters: RunAdapter[]; macs: Record<string, string> } {
  const macs: Record<string, string> = { ...input.macs }
  const adapters = input.machine.adapters.slice(0, 4).map((adapter): RunAdapter => {
    const mac = adapter.mac ?? macs[adapter.index] ?? newMac()
    if (adapter.mac === undefined) macs[adapter.index] = mac
    if (adapter.network.kind !== 'none' && !input.isNetworkHere(adapter.network))
      notes.push(unpluggedNote(adapter.index, adapter.network))
    // Also without a network: a cable can be plugged in while the machine runs.
    const switchSocket = input.switchSocket(adapter.index)
    return { index: adapter.index, mac, model: input.adapterModel, switchSocket }
  })
  return { adapters, macs }
}

function unpluggedNote(index: number, network: NetworkReference): Problem {
  const name = network.kind === 'network' ? `"${network.name}"` : 'Shared networking (NAT)'
  return {
    code: 'network-unknown',
    severity: 'note',
    message: `Adapter ${index + 1} was on ${name} of another computer; its cable is unplugged here.`,
    next: 'Plug it into one of the networks here; it can be done while the machine runs.',
  }
}

function problemOf(error: VivariumError): Problem {
  const { code, message, where, next } = error.toJSON()
  return { code, severity: 'error', message, where, next }
}
