import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { VivariumError } from '../../base/index.ts'
import type { OperationControl } from '../operation.ts'
import { operationNamed } from '../operations.ts'

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

export const isMark = (name: string) => name.endsWith('.merging')

/** What it left when it was stopped: as before, apart from what may stay. */
export function requireNothingLeft({ stays }: Scene, { folder, before }: Stage): void {
  const left = readdirSync(folder)
  if (stays?.(left) !== true) assert.deepEqual(left, before)
}

/** Backups are named after the time. */
function namesOf(names: readonly string[]): string[] {
  return names.map((name) => name.replace(/repair-backup-\w+/, 'repair-backup')).sort()
}
