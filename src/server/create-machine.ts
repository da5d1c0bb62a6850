import { mkdirSync, readdirSync, rmSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { VivariumError } from '../base/index.ts'
import { checkMachineName, createVmc, isSameMachineName, type NetworkReference } from '../machine/index.ts'
import {
  createDiskFile,
  factsOfFile,
  formatNamed,
  isOpenForWriting,
  resolveChain,
  resolveReference,
  systemError,
  writeMachineFile,
} from '../system/index.ts'
import { sectorSizeNotes } from '../workshop/index.ts'
import type { TaskControl } from './tasks.ts'

/** The fields of the New Virtual Machine Wizard. Sizes in bytes. */
export interface NewMachine {
  readonly name: string
  /** Folder that gets the machine's own folder; absent = the library. */
  readonly location?: string | undefined
  readonly guestOs?: string | undefined
  readonly memoryMB: number
  readonly disk:
    | { readonly kind: 'new'; readonly subformat: 'dynamic' | 'fixed'; readonly sizeBytes: number }
    | { readonly kind: 'differencing'; readonly parent: string }
    | { readonly kind: 'existing'; readonly path: string }
    | { readonly kind: 'none' }
  readonly cd?: string | undefined
  readonly network: NetworkReference
  readonly undo: boolean
  readonly notes?: string | undefined
}

/**
 * Makes the machine's folder, its disk and, last, its file: until that is there, there is no machine. Whatever
 * goes wrong, and when it is cancelled, the folder is removed again. Answers the path of the VMC.
 */
export async function buildMachine(
  machine: NewMachine,
  library: string,
  rootsFor: (path: string) => readonly string[],
  control: TaskControl,
): Promise<string> {
  checkMachineName(machine.name)
  const parent = machine.location === undefined ? library : demandFolder(machine.location)
  const folder = join(parent, machine.name)
  // Names are compared without regard to case (formats.md 2.9), and folders on Windows are too.
  if (readdirSync(parent).some((name) => isSameMachineName(name, machine.name))) {
    throw new VivariumError('conflict', 'folder-exists', 'There is a folder of that name already.', {
      where: { path: folder },
      next: 'Choose another name or place.',
    })
  }
  const roots = rootsFor(join(folder, `${machine.name}.vmc`))
  for (const path of [parentOf(machine), machine.cd]) demandInside(path, roots)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    throw systemError(error, folder)
  }
  try {
    control.progress(5, 'Making the disk')
    const disk = await makeDisk(machine, folder, control)
    control.signal.throwIfAborted()
    const path = join(folder, `${machine.name}.vmc`)
    writeMachineFile(path, createVmc(vmcOptions(machine, disk)))
    return path
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

/** The existing file that the machine's disk is, or lies on. */
function parentOf({ disk }: NewMachine): string | undefined {
  if (disk.kind === 'existing') return disk.path
  return disk.kind === 'differencing' ? disk.parent : undefined
}

async function makeDisk(
  machine: NewMachine,
  folder: string,
  control: TaskControl,
): Promise<string | undefined> {
  const { disk } = machine
  if (disk.kind === 'none') return undefined
  if (disk.kind === 'existing') return demandDisk(disk.path)
  const path = join(folder, `${machine.name} Hard Disk.vhd`)
  if (disk.kind === 'differencing') {
    const below = demandDisk(disk.parent)
    const notes = sectorSizeNotes(formatNamed('vhd'), factsOfFile(below))
    createDiskFile(path, { format: 'vhd', subformat: 'differencing', parent: below })
    if (notes.length > 0) control.found({ notes: notes.map((note) => ({ ...note, where: { path: below } })) })
  } else {
    const onProgress = (fraction: number) => control.progress(5 + fraction * 90)
    createDiskFile(path, { format: 'vhd', subformat: disk.subformat, sizeBytes: disk.sizeBytes, onProgress })
  }
  return path
}

/** A machine may only refer into the allowed folders: a file elsewhere would be refused at every start. */
function demandInside(path: string | undefined, roots: readonly string[]): void {
  if (path === undefined || !isAbsolute(path)) return
  if (resolveReference({ absolute: path }, '/machine.vmc', { roots }).problem?.code !== 'outside-roots')
    return
  throw new VivariumError('denied', 'outside-roots', 'It lies outside the folders that machines may use.', {
    where: { path },
    next: `Move it, or start the server with --root ${dirname(path)}.`,
  })
}

/** A disk that can be read now, and that no running machine writes to: it would change below the new one. */
function demandDisk(path: string): string {
  const [top] = resolveChain(demandFile(path)).layers
  if (isOpenForWriting(top!.path)) {
    throw new VivariumError('busy', 'disk-in-use', 'A running machine writes to this disk.', {
      where: { path },
      next: 'Turn the machine off first.',
    })
  }
  return top!.path
}

function demandFile(path: string): string {
  if (statusOf(path).isFile()) return path
  throw new VivariumError('invalid', 'not-a-regular-file', 'It is a folder or a device, not an image.', {
    where: { path },
    next: 'Name an image file.',
  })
}

function demandFolder(path: string): string {
  if (statusOf(path).isDirectory()) return path
  throw new VivariumError('invalid', 'not-a-folder', 'It is not a folder.', {
    where: { path },
    next: 'Name a folder.',
  })
}

function statusOf(path: string): Stats {
  if (!isAbsolute(path)) {
    throw new VivariumError('invalid', 'path-not-absolute', 'The full path is needed.', {
      where: { path },
      next: 'Begin it with "/".',
    })
  }
  try {
    return statSync(path)
  } catch (error) {
    throw systemError(error, path)
  }
}

function vmcOptions(machine: NewMachine, disk: string | undefined) {
  const inFolder = disk !== undefined && machine.disk.kind !== 'existing'
  return {
    name: machine.name,
    memoryMB: machine.memoryMB,
    drives: [
      ...(disk === undefined
        ? []
        : [
            {
              channel: 0,
              unit: 0,
              kind: 'disk' as const,
              image: inFolder ? { absolute: disk, relative: `.\\${basename(disk)}` } : { absolute: disk },
            },
          ]),
      {
        channel: 1,
        unit: 0,
        kind: 'cd' as const,
        ...(machine.cd !== undefined && { image: { absolute: demandFile(machine.cd) } }),
      },
    ],
    adapters: [{ network: machine.network }],
    undoEnabled: machine.undo,
    guestOs: machine.guestOs,
    notes: machine.notes,
  }
}
