import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { GiB, isZero, MiB, VivariumError } from '../base/index.ts'
import type { Disk } from '../disk/index.ts'
import { createVmc } from '../machine/index.ts'
import {
  createDiskFile,
  factsOfFile,
  inspectDisk,
  openDiskFile,
  readMergeMarker,
  writeMachineFile,
} from '../system/index.ts'
import type { OperationControl } from './operation.ts'
import { operationNamed } from './operations.ts'
import { createUndoDisks } from './undo/create.ts'
import { undoStatus } from './undo/status.ts'

/**
 * For tests that break an operation off: files in a folder, an operation on them, and what must be true of the folder
 * at any moment of it. One table for all: cancelled, killed, and with a full disk.
 */
export interface Scene {
  readonly title: string
  /** Name of the operation. */
  readonly operation: string
  /** Makes the files in an empty folder. @returns What the operation needs to know. */
  prepare(folder: string, sizeBytes: number): object | Promise<object>
  /** Before, after, and at every moment between: throws when something is lost. */
  check(folder: string, sizeBytes: number): void
  /** When all is done. */
  checkDone(folder: string, sizeBytes: number): void
  /** Files in the folder once it is done. */
  readonly done: readonly string[]
  /** What may stay when it is stopped, until it is run again: a part of what it writes into a file that was there. */
  readonly stays?: (names: readonly string[]) => boolean
}

/** A scene's files, made once and put back for every run. */
export interface Stage {
  readonly folder: string
  readonly sizeBytes: number
  readonly spec: object
  /** Names in the folder, as it was prepared. */
  readonly before: readonly string[]
  reset(): void
}

/** @param root A folder for the scene's folder; @param keptRoot for a copy of that. */
export async function stageOf(
  scene: Scene,
  root: string,
  sizeBytes: number,
  keptRoot = root,
): Promise<Stage> {
  const folder = join(mkdtempSync(join(root, 'scene-')), 'files')
  const kept = mkdtempSync(join(keptRoot, 'kept-'))
  mkdirSync(folder)
  const spec = await scene.prepare(folder, sizeBytes)
  cpSync(folder, kept, { recursive: true, preserveTimestamps: true })
  const reset = () => {
    rmSync(folder, { recursive: true, force: true })
    cpSync(kept, folder, { recursive: true, preserveTimestamps: true })
  }
  return { folder, sizeBytes, spec, before: readdirSync(folder), reset }
}

/** Runs the scene's operation in this process. */
export async function playScene(
  { operation: name }: Scene,
  { folder, spec }: Stage,
  control: Partial<OperationControl> = {},
): Promise<void> {
  const operation = operationNamed(name)
  const quiet = { progress: () => undefined, note: () => undefined }
  const signal = new AbortController().signal
  await operation.run(operation.schema.parse(spec), { ...quiet, signal, roots: [folder], ...control })
}

/**
 * Runs it again after it was broken off, to its end. Broken off in the cleaning up that comes after the end, what makes
 * something new refuses to make it twice.
 */
export async function playToEnd(scene: Scene, stage: Stage): Promise<void> {
  try {
    await playScene(scene, stage)
  } catch (error) {
    if (!(error instanceof VivariumError && AT_ITS_END.has(error.code))) throw error
  }
  requireDone(scene, stage)
}

const AT_ITS_END = new Set(['host-eexist', 'host-enoent', 'no-undo-disks', 'split-no-parent'])

/** Nothing is there but what belongs there once it is done. A mark of a merge that is done says nothing any more. */
export function requireDone(scene: Scene, { folder, sizeBytes }: Stage): void {
  scene.checkDone(folder, sizeBytes)
  const marks = readdirSync(folder).filter(isMark)
  for (const mark of marks) assert.match(readFileSync(join(folder, mark), 'utf8'), /"merged"/)
  assert.deepEqual(namesOf(readdirSync(folder).filter((name) => !isMark(name))), namesOf(scene.done))
}

const isMark = (name: string) => name.endsWith('.merging')

/** What it left when it was stopped: as before, apart from what may stay. */
export function requireNothingLeft({ stays }: Scene, { folder, before }: Stage): void {
  const left = readdirSync(folder)
  if (stays?.(left) !== true) assert.deepEqual(left, before)
}

const UNIT = 4096
/** Where the disk has content, in units of 4 KiB; the rest is zero, so that there is something to drop. */
const hasContent = (unit: number) => unit % 24 < 15
const valueAt = (unit: number, salt: number) => 1 + ((unit * 7 + salt * 13) % 251)

/** Writes the pattern of a disk, where `isWritten`, from byte `at` on. */
function fill(path: string, sizeBytes: number, salt: number, isWritten = hasContent, at = 0): void {
  const disk = openDiskFile(path, { writable: true })
  const bytes = new Uint8Array(UNIT)
  for (let unit = 0; unit < sizeBytes / UNIT; unit++)
    if (isWritten(unit)) disk.write(at + unit * UNIT, bytes.fill(valueAt(unit, salt)))
  disk.close()
}

function hashOf(content: (hash: (unit: Uint8Array) => void) => void): string {
  const hash = createHash('sha256')
  content((unit) => hash.update(unit))
  return hash.digest('hex')
}

function expectedHash(sizeBytes: number, valueIn: (unit: number) => number): string {
  const bytes = new Uint8Array(UNIT)
  return hashOf((add) => {
    for (let unit = 0; unit < sizeBytes / UNIT; unit++) add(bytes.fill(valueIn(unit)))
  })
}

const plain = (unit: number) => (hasContent(unit) ? valueAt(unit, 0) : 0)
/** The child's own content lies on top of the base's. */
const isChilds = (unit: number) => unit % 10 < 4
const merged = (unit: number) => (isChilds(unit) ? valueAt(unit, 1) : plain(unit))

/** So many bytes with the pattern, from each of these places on, and zeroes behind them. */
function shows(
  path: string,
  sizeBytes: number,
  valueIn: (unit: number) => number,
  starts: readonly number[] = [0],
): void {
  const disk = openDiskFile(path)
  try {
    for (const [index, start] of starts.entries()) {
      assert.equal(
        patternHash(disk, start, sizeBytes),
        expectedHash(sizeBytes, valueIn),
        `${path} shows its content`,
      )
      assert.ok(
        isZeroIn(disk, start + sizeBytes, starts[index + 1] ?? disk.sizeBytes),
        `${path} shows zeroes behind it`,
      )
    }
  } finally {
    disk.close()
  }
  const errors = inspectDisk(path).problems.filter(({ severity }) => severity === 'error')
  assert.deepEqual(errors, [])
}

const PIECE_BYTES = UNIT * 64

function patternHash(disk: Disk, start: number, sizeBytes: number): string {
  const bytes = new Uint8Array(PIECE_BYTES)
  return hashOf((add) => {
    for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
      const piece = bytes.subarray(0, Math.min(PIECE_BYTES, sizeBytes - at))
      disk.read(start + at, piece)
      add(piece)
    }
  })
}

function isZeroIn(disk: Disk, from: number, end: number): boolean {
  const bytes = new Uint8Array(PIECE_BYTES)
  for (const { offset, length, kind } of disk.extents(from, end - from))
    for (let at = 0; kind !== 'zero' && at < length; at += PIECE_BYTES) {
      const piece = bytes.subarray(0, Math.min(PIECE_BYTES, length - at))
      disk.read(offset + at, piece)
      if (!isZero(piece)) return false
    }
  return true
}

interface Kind {
  readonly format: string
  readonly subformat: string
  readonly blockSize?: number
}

const VHD: Kind = { format: 'vhd', subformat: 'dynamic', blockSize: 65_536 }
const VHDX: Kind = { format: 'vhdx', subformat: 'dynamic', blockSize: 1 << 20 }
const QCOW2: Kind = { format: 'qcow2', subformat: 'dynamic', blockSize: 4096 }

function make(path: string, kind: Kind, sizeBytes: number): void {
  createDiskFile(path, { ...kind, sizeBytes })
  fill(path, sizeBytes, 0)
}

function makeChild(path: string, base: string, { format, blockSize }: Kind, sizeBytes: number): void {
  const own = blockSize === undefined ? {} : { blockSize }
  createDiskFile(path, { format, subformat: 'differencing', parent: base, ...own })
  fill(path, sizeBytes, 1, isChilds)
}

/** From a disk that stays as it is, a new one. */
function making(operation: string, target: string, files: readonly string[], rest: object): Scene {
  return {
    title: `${operation} to ${target}`,
    operation,
    prepare(folder, sizeBytes) {
      make(join(folder, 'source.vhd'), VHD, sizeBytes)
      const from = operation === 'clone' ? 'base' : 'source'
      return { [from]: join(folder, 'source.vhd'), target: join(folder, target), ...rest }
    },
    check(folder, sizeBytes) {
      shows(join(folder, 'source.vhd'), sizeBytes, plain)
      if (existsSync(join(folder, target))) shows(join(folder, target), sizeBytes, plain)
    },
    checkDone: (folder, sizeBytes) => shows(join(folder, target), sizeBytes, plain),
    done: ['source.vhd', ...files],
  }
}

/** A disk that is changed, and always shows the same. */
function changing(operation: string, kind: Kind, rest: (sizeBytes: number) => object, grows = false): Scene {
  const name = `disk.${kind.format}`
  return {
    title: `${operation} of a ${kind.subformat} ${kind.format}`,
    operation,
    prepare(folder, sizeBytes) {
      make(join(folder, name), kind, sizeBytes)
      if (operation === 'compact' && kind.subformat !== 'fixed') {
        // Blocks that were written and are zero by now.
        const disk = openDiskFile(join(folder, name), { writable: true })
        disk.write(0, new Uint8Array(sizeBytes).fill(1))
        disk.write(0, new Uint8Array(sizeBytes))
        disk.close()
        fill(join(folder, name), sizeBytes / 2, 0)
      }
      return { path: join(folder, name), ...rest(sizeBytes) }
    },
    check(folder, sizeBytes) {
      const half = operation === 'compact' && kind.subformat !== 'fixed'
      shows(join(folder, name), sizeBytes, (unit) => (half && unit >= sizeBytes / 2 / UNIT ? 0 : plain(unit)))
    },
    checkDone(folder, sizeBytes) {
      if (!grows) return
      const disk = openDiskFile(join(folder, name))
      disk.close()
      assert.equal(disk.sizeBytes, 2 * sizeBytes)
    },
    done: kind.subformat === 'monolithicFlat' ? ['disk-flat.vmdk', name] : [name],
  }
}

const SPLIT = { format: 'vmdk', subformat: 'twoGbMaxExtentSparse' }
/** Where its second file begins. */
const BORDER = 2047 * MiB

/** Zeroes in both files, so that both are written anew. */
const compactingSplit: Scene = {
  title: 'compact of a split vmdk',
  operation: 'compact',
  prepare(folder, sizeBytes) {
    const path = join(folder, 'disk.vmdk')
    createDiskFile(path, { ...SPLIT, sizeBytes: BORDER + sizeBytes })
    for (const start of [0, BORDER]) {
      const disk = openDiskFile(path, { writable: true })
      disk.write(start, new Uint8Array(sizeBytes).fill(1))
      disk.write(start, new Uint8Array(sizeBytes))
      disk.close()
      fill(path, sizeBytes / 2, 0, hasContent, start)
    }
    return { path }
  },
  check(folder, sizeBytes) {
    shows(join(folder, 'disk.vmdk'), sizeBytes / 2, plain, [0, BORDER])
  },
  checkDone(folder, sizeBytes) {
    for (const name of ['disk-s001.vmdk', 'disk-s002.vmdk'])
      assert.ok(statSync(join(folder, name)).size < sizeBytes, `${name} is smaller`)
  },
  done: ['disk-s001.vmdk', 'disk-s002.vmdk', 'disk.vmdk'],
}

/** The one file that is there grows, and two more are made. */
const expandingSplit: Scene = {
  title: 'expand of a split vmdk',
  operation: 'expand',
  prepare(folder, sizeBytes) {
    make(join(folder, 'disk.vmdk'), SPLIT, sizeBytes)
    return { path: join(folder, 'disk.vmdk'), sizeBytes: 5 * GiB }
  },
  check: (folder, sizeBytes) => shows(join(folder, 'disk.vmdk'), sizeBytes, plain),
  checkDone(folder) {
    const disk = openDiskFile(join(folder, 'disk.vmdk'))
    disk.close()
    assert.equal(disk.sizeBytes, 5 * GiB)
  },
  done: ['disk-s001.vmdk', 'disk-s002.vmdk', 'disk-s003.vmdk', 'disk.vmdk'],
}

function merging(kind: Kind): Scene {
  const [base, child] = [`base.${kind.format}`, `child.${kind.format}`]
  return {
    title: `merge of a ${kind.format}`,
    operation: 'merge',
    prepare(folder, sizeBytes) {
      make(join(folder, base), kind, sizeBytes)
      makeChild(join(folder, child), join(folder, base), kind, sizeBytes)
      return { child: join(folder, child), deleteChild: true }
    },
    check(folder, sizeBytes) {
      shows(join(folder, existsSync(join(folder, child)) ? child : base), sizeBytes, merged)
      if (readMergeMarker(join(folder, base))?.state === 'merging')
        assert.throws(() => openDiskFile(join(folder, base), { writable: true }), { code: 'merge-not-ended' })
    },
    checkDone: (folder, sizeBytes) => shows(join(folder, base), sizeBytes, merged),
    done: [base],
    stays: (names) => names.some(isMark),
  }
}

const splitting: Scene = {
  title: 'split of a vhd',
  operation: 'split',
  prepare(folder, sizeBytes) {
    make(join(folder, 'base.vhd'), VHD, sizeBytes)
    makeChild(join(folder, 'child.vhd'), join(folder, 'base.vhd'), VHD, sizeBytes)
    return { path: join(folder, 'child.vhd') }
  },
  check(folder, sizeBytes) {
    shows(join(folder, 'base.vhd'), sizeBytes, plain)
    shows(join(folder, 'child.vhd'), sizeBytes, merged)
  },
  checkDone(folder) {
    assert.equal(factsOfFile(join(folder, 'child.vhd')).parent, undefined)
  },
  done: ['base.vhd', 'child.vhd'],
}

const reparenting: Scene = {
  title: 'reparent of a vhd',
  operation: 'reparent',
  prepare(folder, sizeBytes) {
    make(join(folder, 'base.vhd'), VHD, sizeBytes)
    makeChild(join(folder, 'child.vhd'), join(folder, 'base.vhd'), VHD, sizeBytes)
    mkdirSync(join(folder, 'moved'))
    renameSync(join(folder, 'base.vhd'), join(folder, 'moved/other name.vhd'))
    return { child: join(folder, 'child.vhd'), search: [join(folder, 'moved')] }
  },
  check: (folder, sizeBytes) => shows(join(folder, 'moved/other name.vhd'), sizeBytes, plain),
  checkDone: (folder, sizeBytes) => shows(join(folder, 'child.vhd'), sizeBytes, merged),
  done: ['child.vhd', 'child.vhd.repair-backup.json', 'moved'],
}

/** The same damage for all: what a cut copy lost, or what the format can work out again. */
const DAMAGE: Readonly<Record<string, (path: string) => void>> = {
  vhd(path) {
    const bytes = readFileSync(path)
    bytes.writeUInt32BE(7, 512 + 36)
    writeFileSync(path, bytes)
    truncateSync(path, bytes.length - 512)
  },
  vhdx: (path) => edit(path, (bytes) => bytes.fill(9, 64 << 10, (64 << 10) + 64)),
  qcow2: (path) => edit(path, (bytes) => bytes.fill(0xff, 48, 56)),
  vdi: (path) => edit(path, (bytes) => bytes.fill(0, 0x184, 0x188)),
}

function edit(path: string, change: (bytes: Buffer) => unknown): void {
  const bytes = readFileSync(path)
  change(bytes)
  writeFileSync(path, bytes)
}

function repairing(kind: Kind): Scene {
  const name = `disk.${kind.format}`
  return {
    title: `repair of a ${kind.format}`,
    operation: 'repair',
    prepare(folder, sizeBytes) {
      make(join(folder, name), kind, sizeBytes)
      DAMAGE[kind.format]?.(join(folder, name))
      return { path: join(folder, name) }
    },
    // A damaged disk shows something or nothing; what counts is that the next repair brings it back.
    check: () => undefined,
    checkDone: (folder, sizeBytes) => shows(join(folder, name), sizeBytes, plain),
    done: [name, `${name}.repair-backup.json`],
  }
}

const committing: Scene = {
  title: 'commit of undo disks',
  operation: 'undo-commit',
  async prepare(folder, sizeBytes) {
    await makeMachine(folder, sizeBytes)
    return { machine: join(folder, 'Old XP.vmc') }
  },
  check(folder, sizeBytes) {
    for (const { base, undo } of undoStatus(join(folder, 'Old XP.vmc'), [folder]).drives)
      shows(undo ?? base, sizeBytes, merged)
  },
  checkDone(folder, sizeBytes) {
    for (const { base, recordedAs } of undoStatus(join(folder, 'Old XP.vmc'), [folder]).drives) {
      assert.equal(recordedAs, undefined)
      shows(base, sizeBytes, merged)
    }
  },
  done: ['Old XP.vmc', 'c.vhd', 'd.vhd'],
  // One disk after the other: the first may be done.
  stays: (names) => names.some(isMark) || names.filter((name) => name.endsWith('.vud')).length === 1,
}

async function makeMachine(folder: string, sizeBytes: number): Promise<void> {
  const drives = ['c', 'd'].map((name, unit) => {
    make(join(folder, `${name}.vhd`), VHD, sizeBytes)
    const image = { relative: `.\\${name}.vhd` }
    return { channel: 0, unit, kind: 'disk' as const, image }
  })
  const vmc = join(folder, 'Old XP.vmc')
  writeMachineFile(vmc, createVmc({ name: 'Old XP', memoryMB: 64, drives }))
  const { created } = await createUndoDisks(vmc, [folder], new Date('2007-03-04T05:06:07Z'))
  for (const { undo } of created) fill(undo, sizeBytes, 1, isChilds)
}

const creating: Scene = {
  title: 'create of a fixed vhd',
  operation: 'create',
  prepare: (folder, sizeBytes) => ({
    path: join(folder, 'new.vhd'),
    format: 'vhd',
    subformat: 'fixed',
    sizeBytes,
  }),
  check(folder, sizeBytes) {
    if (existsSync(join(folder, 'new.vhd'))) shows(join(folder, 'new.vhd'), sizeBytes, () => 0)
  },
  checkDone: (folder, sizeBytes) => shows(join(folder, 'new.vhd'), sizeBytes, () => 0),
  done: ['new.vhd'],
}

const twice = (sizeBytes: number) => ({ sizeBytes: 2 * sizeBytes })

export const scenes: readonly Scene[] = [
  creating,
  making('convert', 'target.qcow2', ['target.qcow2'], {}),
  making('convert', 'split.vmdk', ['split-s001.vmdk', 'split.vmdk'], { subformat: 'twoGbMaxExtentSparse' }),
  making('convert', 'verified.vhdx', ['verified.vhdx'], { verify: true }),
  making('clone', 'full.vhd', ['full.vhd'], { full: true }),
  making('clone', 'linked.vhd', ['linked.vhd'], {}),
  changing('compact', VHD, () => ({})),
  changing('compact', VHDX, () => ({})),
  changing('compact', QCOW2, () => ({})),
  changing('compact', { format: 'vhd', subformat: 'fixed' }, () => ({})),
  compactingSplit,
  changing('expand', VHD, twice, true),
  changing('expand', VHDX, twice, true),
  changing('expand', QCOW2, twice, true),
  changing('expand', { format: 'vdi', subformat: 'dynamic' }, twice, true),
  changing('expand', { format: 'vmdk', subformat: 'monolithicSparse' }, twice, true),
  changing('expand', { format: 'vmdk', subformat: 'monolithicFlat' }, twice, true),
  expandingSplit,
  merging(VHD),
  merging(VHDX),
  merging(QCOW2),
  splitting,
  reparenting,
  repairing(VHD),
  repairing(VHDX),
  repairing(QCOW2),
  repairing({ format: 'vdi', subformat: 'dynamic' }),
  committing,
]

/** Backups are named after the time. */
function namesOf(names: readonly string[]): string[] {
  return names.map((name) => name.replace(/repair-backup-\w+/, 'repair-backup')).sort()
}
