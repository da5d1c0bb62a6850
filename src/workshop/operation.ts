import type { z } from 'zod'
import type { Problem } from '../base/index.ts'

/**
 * What can be done to disk files. An operation is a name, a schema of what it needs to know, and a function; the
 * command line runs it in its own process, the server in a child of its own as a task, and both from the one table
 * in `operations.ts`. It changes nothing before it knows that it can, it can be stopped or killed at any moment
 * without loss, and run again after that.
 */
export interface Operation<Spec = unknown, Result = unknown> {
  /** `convert`, `compact`: its name in the API, and the verb of the command line. */
  readonly name: string
  /** What it needs, as it comes from outside. Paths are absolute. */
  readonly schema: z.ZodType<Spec>
  /** For the task list: "Convert xp.vhd to VHDX". */
  title(spec: Spec): string
  run(spec: Spec, control: OperationControl): Promise<Result>
  /** What is true once it was stopped, a sentence or nothing; "Nothing was made." when absent. */
  ifStopped?(spec: Spec): string
}

/** Of what changes a disk in place: piece by piece, or in one step at its end. */
export const AGAIN_DOES_THE_REST = 'Nothing is lost: the same command does it, or what is left of it.'

export interface OperationControl {
  /** Stops it: what is half done is taken back, or can be run again. */
  readonly signal: AbortSignal
  /** Folders that files may be read and written in, symbolic links followed. */
  readonly roots: readonly string[]
  /** Folders to look in for parents, by their ids. */
  readonly searchFolders?: readonly string[]
  /** The part that is done, 0 to 1, and what is being done; as often as is convenient. */
  progress(fraction: number, detail?: string): void
  /** Something that a person should know of what was done: what was changed on the way, what to do next. */
  note(problem: Problem): void
}

/** Gives an operation its types, and the table one type for all. Every call passes through the schema. */
export function defineOperation<Spec, Result>(operation: Operation<Spec, Result>): Operation<Spec, Result> {
  return operation
}
