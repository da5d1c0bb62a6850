import { existsSync, rmSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { VivariumError } from '../base/index.ts'
import { type CreateVmcOptions, createVmc } from '../machine/index.ts'
import { createDiskFile, type NewDiskFile, openDiskFile, writeMachineFile } from '../system/index.ts'
import type { BuiltSample, SampleDiskType } from './sample.ts'

/** The network that a sample's adapter is on; the server has it from the start. */
export const SAMPLE_NETWORK = 'Internal Network'

/** A disk's whole content, as something that can be written piece by piece. */
export interface DiskContent {
  readonly sizeBytes: number
  /** What is not zero. */
  pieces(): Iterable<{ readonly offset: number; readonly bytes: Uint8Array }>
}

export interface MachineToMake {
  readonly name: string
  readonly diskType: SampleDiskType
  readonly memoryMB: number
  readonly content: DiskContent
  readonly guestOs?: string
  readonly notes: string
  /** Part of the disk that is written, 0 to 1. */
  readonly onProgress?: (fraction: number) => void
  readonly signal?: AbortSignal
}

/**
 * Makes the disks and then the machine file that names them, in a folder that exists. Whatever stops it, nothing
 * half-done stays. @throws VivariumError; the signal's reason when it is aborted.
 */
export async function makeMachine(folder: string, machine: MachineToMake): Promise<BuiltSample> {
  const { vmcPath, vhdPaths } = pathsOf(folder, machine)
  for (const path of [vmcPath, ...vhdPaths]) if (existsSync(path)) throw exists(path)
  const made: string[] = []
  try {
    const [top, base] = [vhdPaths[0]!, vhdPaths.at(-1)!]
    const subformat = machine.diskType === 'fixed' ? 'fixed' : 'dynamic'
    create(base, { subformat, sizeBytes: machine.content.sizeBytes }, made)
    await writeContent(base, machine)
    if (top !== base) create(top, { subformat: 'differencing', parent: base }, made)
    const image = { relative: basename(top) }
    made.push(vmcPath)
    writeMachineFile(vmcPath, createVmc(settingsOf(machine, image)))
    return { vmcPath, vhdPaths }
  } catch (error) {
    for (const path of made) rmSync(path, { force: true })
    throw error
  }
}

function pathsOf(folder: string, { name, diskType }: MachineToMake): BuiltSample {
  const at = (file: string) => join(resolve(folder), file)
  if (name === '' || name !== basename(name) || name.startsWith('.')) {
    throw new VivariumError('invalid', 'sample-name', `"${name}" cannot be the name of a machine's files.`, {
      where: { field: 'name' },
      next: 'Use letters, digits, spaces and hyphens.',
    })
  }
  return {
    vmcPath: at(`${name}.vmc`),
    vhdPaths: diskType === 'differencing' ? [at(`${name}.vhd`), at(`${name} Base.vhd`)] : [at(`${name}.vhd`)],
  }
}

function exists(path: string): VivariumError {
  return new VivariumError('conflict', 'host-eexist', 'It exists already.', {
    where: { path },
    next: 'Choose another folder or another name.',
  })
}

function create(path: string, options: NewDiskFile, made: string[]): void {
  createDiskFile(path, options)
  made.push(path)
}

async function writeContent(path: string, { content, onProgress, signal }: MachineToMake): Promise<void> {
  const disk = openDiskFile(path, { writable: true })
  try {
    for (const { offset, bytes } of content.pieces()) {
      signal?.throwIfAborted()
      disk.write(offset, bytes)
      onProgress?.((offset + bytes.length) / content.sizeBytes)
      await new Promise(setImmediate)
    }
    disk.flush()
  } finally {
    disk.close()
  }
}

function settingsOf(machine: MachineToMake, image: { readonly relative: string }): CreateVmcOptions {
  const { name, memoryMB, notes, guestOs } = machine
  return {
    name,
    memoryMB,
    notes,
    drives: [
      { channel: 0, unit: 0, kind: 'disk', image },
      { channel: 1, unit: 0, kind: 'cd' },
    ],
    adapters: [{ network: SAMPLE_NETWORK }],
    ...(guestOs !== undefined && { guestOs }),
  }
}
