import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { type Problem, VivariumError } from '../../base/index.ts'
import {
  isUndoOf,
  parseUndoFileName,
  setUndoDisk,
  setUndoEnabled,
  type UndoName,
} from '../../machine/index.ts'
import { layersOf, type ResolvedChain, realPath, requireInside, resolveChain } from '../../system/index.ts'
import { demandNoneLost } from '../lost-children.ts'
import { mergeIntoParent } from '../merge-into-parent.ts'
import type { OperationControl } from '../operation.ts'
import {
  demandNotSaved,
  editMachine,
  holding,
  readUndoMachine,
  referenceTo,
  type UndoDrive,
  type UndoMachine,
} from './machine.ts'

/** What an undo disk that no machine knows any more belongs to. */
export interface FoundUndo {
  readonly undo: string
  /** What its name tells. */
  readonly name?: UndoName
  /** The disk it was made on, found by name or by id; absent = not found. */
  readonly base?: string
  /** The machine that has that disk, and where; absent = none in the folders that were looked through. */
  readonly machine?: string
  readonly place?: string
  /** The machine records it: it is no orphan. */
  readonly recorded: boolean
  readonly problems: readonly Problem[]
}

export interface RecoverOptions {
  /** Record it in the machine file again. */
  readonly attach?: boolean
  /** Write its changes into the disk it was made on, and remove it. */
  readonly commit?: boolean
}

interface Owner {
  readonly machine: UndoMachine
  readonly drive: UndoDrive
}

/**
 * Finds out where an orphan undo disk belongs: its parent by name and id, in its own folder, in the given ones and
 * where the machines there have their disks; then the machine that has that parent. Attaches or commits it on demand.
 * @throws VivariumError kind `not-found` when what was asked for needs a parent or a machine that is not there;
 *   `invalid`, code `undo-no-parent`, for a disk that was made on no other.
 */
export async function recoverUndoDisk(
  file: string,
  options: RecoverOptions,
  control: OperationControl,
): Promise<FoundUndo> {
  const { roots, searchFolders = [] } = control
  const undo = requireInside(realPath(file), roots)
  const folders = [...new Set([dirname(undo), ...searchFolders])]
  const machines = folders.flatMap((folder) => machinesIn(folder, roots))
  const diskFolders = machines.flatMap(({ drives }) => drives.map(({ base }) => dirname(base)))
  const chain = resolveChain(undo, { roots, searchFolders: [...new Set([...folders, ...diskFolders])] })
  if (chain.layers[0]?.facts.parent === undefined) throw noUndoDisk(undo)
  const name = parseUndoFileName(basename(undo))
  const base = chain.layers[1]?.path
  const owner = base === undefined ? undefined : ownerOf(machines, base, name)
  const problems = [...chain.problems, ...(base === undefined ? [] : writtenSince(undo, base))]
  const recorded = owner?.drive.undo === undo
  if (options.attach === true && !recorded) await attach(undo, chain, owner)
  if (options.commit === true) await commit(undo, chain, owner, control)
  return {
    undo,
    ...(name && { name }),
    ...(base !== undefined && { base }),
    ...(owner && { machine: owner.machine.path, place: owner.drive.place }),
    recorded: recorded || options.attach === true,
    problems,
  }
}

function noUndoDisk(path: string): VivariumError {
  return new VivariumError(
    'invalid',
    'undo-no-parent',
    'It is no undo disk: it was made on no other disk, and stores all of its content itself.',
    {
      where: { path },
      next: 'Name an undo disk, which usually ends in .vud.',
    },
  )
}

/** Machine files in a folder; those that cannot be read, or whose disks are away, own nothing here. */
function machinesIn(folder: string, roots: readonly string[]): UndoMachine[] {
  const found: UndoMachine[] = []
  for (const entry of namesIn(folder)) {
    if (extname(entry).toLowerCase() !== '.vmc') continue
    try {
      found.push(readUndoMachine(join(folder, entry), roots))
    } catch (error) {
      if (!(error instanceof VivariumError)) throw error
    }
  }
  return found
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Several machines may have the disk: the one that the undo disk's name tells comes first. */
function ownerOf(
  machines: readonly UndoMachine[],
  base: string,
  name: UndoName | undefined,
): Owner | undefined {
  const owners = machines.flatMap((machine) =>
    machine.drives.filter((drive) => drive.base === base).map((drive) => ({ machine, drive })),
  )
  const rank = ({ machine, drive }: Owner) =>
    name === undefined
      ? 0
      : (isUndoOf(name, machine.name) ? 2 : 0) +
        (drive.channel === name.channel && drive.unit === name.unit ? 1 : 0)
  return owners.sort((a, b) => rank(b) - rank(a))[0]
}

/** A disk that went on without its undo disk does not fit under it any more. */
function writtenSince(undo: string, base: string): Problem[] {
  if (statSync(base).mtimeMs <= statSync(undo).mtimeMs) return []
  return [
    {
      code: 'undo-older-than-disk',
      severity: 'warning',
      message: `${basename(base)} was written after its undo disk: it may have gone on without it, or have its changes already.`,
      next: 'Look at both before you decide; a copy of the disk from that time would be the right one.',
      where: { path: undo },
    },
  ]
}

async function attach(undo: string, chain: ResolvedChain, owner: Owner | undefined): Promise<void> {
  layersOf(chain)
  if (owner === undefined) throw noMachine(undo)
  const { machine, drive } = owner
  demandNotSaved(machine)
  if (drive.undo !== undefined)
    throw new VivariumError('conflict', 'undo-taken', `The disk has another undo disk: ${drive.undo}.`, {
      where: { path: machine.path, field: drive.place },
      next: 'Commit or discard that one first.',
    })
  await holding(
    [undo, drive.base],
    () =>
      editMachine(machine, (document) => {
        setUndoDisk(document, drive.channel, drive.unit, referenceTo(undo, machine.folder))
        setUndoEnabled(document, true)
      }),
    'any',
  )
}

function noMachine(undo: string): VivariumError {
  return new VivariumError('not-found', 'undo-without-machine', 'No machine was found that has its disk.', {
    where: { path: undo },
    next: "Name the machine's folder with --search, or commit the undo disk into its disk.",
  })
}

async function commit(
  undo: string,
  chain: ResolvedChain,
  owner: Owner | undefined,
  { signal, progress }: OperationControl,
): Promise<void> {
  const layers = layersOf(chain)
  if (owner !== undefined) demandNotSaved(owner.machine)
  const folders = owner === undefined ? [] : [owner.machine.folder]
  demandNoneLost(chain.layers.slice(0, 2), { deleteChild: true, folders })
  await mergeIntoParent(layers, {
    signal,
    deleteMerged: true,
    onProgress: progress,
    afterDelete: () => {
      if (owner?.drive.undo !== undo) return
      const { channel, unit } = owner.drive
      editMachine(owner.machine, (document) => setUndoDisk(document, channel, unit, undefined))
    },
  })
}
