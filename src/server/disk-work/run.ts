import type { ChildProcess } from 'node:child_process'
import { type Problem, VivariumError } from '../../base/index.ts'
import { errorFromRecord } from '../../engine/index.ts'
import { forkModule, systemError } from '../../system/index.ts'
import { type ToWorker, type WorkOrder, workNewsSchema } from './protocol.ts'

export interface WorkListener {
  readonly signal: AbortSignal
  progress(fraction: number, detail?: string): void
}

export interface WorkResult {
  /** What the operation answered. */
  readonly done: Readonly<Record<string, unknown>>
  /** What a person should know of it. */
  readonly notes: readonly Problem[]
}

/** So long a stopped operation may take to put things back; killed it harms nothing either, but leaves more to sweep. */
const STOP_MS = 30_000

/**
 * Does one operation in a process of its own, so that the server never waits for it and a fault in it is no fault of
 * the server. @throws VivariumError: the operation's own, or kind `io`, code `disk-work-died`.
 */
export async function runDiskWork(order: WorkOrder, listener: WorkListener): Promise<WorkResult> {
  listener.signal.throwIfAborted()
  const child = forkModule(import.meta.url, 'main', [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const stop = () => {
    send(child, { stop: true })
    setTimeout(() => child.kill('SIGKILL'), STOP_MS).unref()
  }
  listener.signal.addEventListener('abort', stop, { once: true })
  try {
    send(child, { order })
    return await follow(child, order, listener)
  } finally {
    listener.signal.removeEventListener('abort', stop)
  }
}

function send(child: ChildProcess, message: ToWorker): void {
  // A child that is gone already says so by its exit.
  child.send(message, () => undefined)
}

function follow(child: ChildProcess, { operation }: WorkOrder, listener: WorkListener): Promise<WorkResult> {
  const notes: Problem[] = []
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      const news = workNewsSchema.parse(message)
      if ('progress' in news) listener.progress(news.progress, news.detail)
      else if ('note' in news) notes.push(news.note)
      else if ('done' in news) resolve({ done: news.done, notes })
      else reject(errorFromRecord(news.error))
    })
    child.once('error', (error) => reject(systemError(error, process.execPath)))
    child.once('exit', (code, signal) =>
      reject(
        new VivariumError(
          'io',
          'disk-work-died',
          `The process that did "${operation}" ended (${signal ?? code}).`,
          { next: 'The files are as they were, or the work can be done again: start it once more.' },
        ),
      ),
    )
  })
}
