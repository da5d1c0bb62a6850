import type { Problem } from '../base/index.ts'
import type { Operation, OperationControl } from '../workshop/index.ts'
import { printJson } from './command.ts'
import { STOP_SIGNALS, type StopSignal, stoppedBy } from './exit.ts'
import { showProgress } from './progress.ts'
import { renderProblems } from './render/problems.ts'

/** What is done sooner needs no line that says how far it is. */
const QUIET_MS = 500

export interface RunOptions<Result> {
  readonly json?: boolean | undefined
  readonly searchFolders?: readonly string[]
  /** Folders that the file may refer into; anywhere when absent. */
  readonly roots?: readonly string[]
  /** Called before anything is shown: to choose the exit code. */
  readonly onResult?: (result: Result) => void
  /** What a person reads when it is done. */
  readonly describe: (result: Result) => string
}

/**
 * Runs an operation of the workshop in this process: progress and notes on standard error, Ctrl-C stops it. On the
 * command line the user names the files, so they may lie anywhere.
 */
export async function runOperation<Spec, Result extends object>(
  operation: Operation<Spec, Result>,
  spec: Spec,
  { json, searchFolders, roots, onResult, describe }: RunOptions<Result>,
): Promise<void> {
  const title = operation.title(spec)
  const { result, notes } = await inControl(
    { title, searchFolders, roots, ifStopped: operation.ifStopped?.(spec) },
    (control) => operation.run(operation.schema.parse(spec), control),
  )
  onResult?.(result)
  if (notes.length > 0 && !json) console.error(renderProblems(notes))
  if (json) printJson({ ...result, notes })
  else console.log(describe(result))
}

export interface ControlOptions {
  readonly title: string
  readonly searchFolders?: readonly string[] | undefined
  /** Anywhere when absent. */
  readonly roots?: readonly string[] | undefined
  /** What is true once it was stopped: a sentence. */
  readonly ifStopped?: string | undefined
}

/** Runs anything that takes an operation's control, for results that are no object: bytes on standard output. */
export async function inControl<Result>(
  { title, searchFolders, roots = ['/'], ifStopped = 'Nothing was made.' }: ControlOptions,
  action: (control: OperationControl) => Promise<Result>,
): Promise<{ readonly result: Result; readonly notes: readonly Problem[] }> {
  const controller = new AbortController()
  let stopped: StopSignal | undefined
  const stop = (signal: StopSignal) => {
    stopped ??= signal
    controller.abort()
  }
  // A terminal's Ctrl-C may come twice, from it and from whoever started us.
  for (const signal of STOP_SIGNALS) process.on(signal, stop)
  const notes: Problem[] = []
  const started = performance.now()
  let shows = false
  try {
    const result = await action({
      signal: controller.signal,
      roots,
      ...(searchFolders && { searchFolders }),
      progress(fraction, detail = title) {
        shows ||= fraction < 1 && performance.now() - started > QUIET_MS
        if (shows) showProgress(fraction * 100, detail, remaining(fraction, started))
      },
      note: (problem) => notes.push(problem),
    })
    return { result, notes }
  } catch (error) {
    throw stopped !== undefined && isAbort(error) ? stoppedBy(stopped, ifStopped, error) : error
  } finally {
    for (const signal of STOP_SIGNALS) process.removeListener(signal, stop)
  }
}

/** By itself, or as the cause of what somebody made of it. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || isAbort(error.cause))
}

/** Once it has gone on for a while, and goes on for longer. */
function remaining(fraction: number, started: number): string {
  const seconds = (performance.now() - started) / 1000
  if (seconds < 2 || fraction <= 0.01 || fraction >= 1) return ''
  const left = Math.ceil((seconds * (1 - fraction)) / fraction)
  return left < 90 ? ` (${left} s left)` : ` (${Math.ceil(left / 60)} min left)`
}
