import type { Readable } from 'node:stream'
import { describeError, formatSize, VivariumError } from '../base/index.ts'
import { operationNamed } from '../workshop/index.ts'
import { runDiskWork } from './disk-work/run.ts'
import { type Download, startDownload, takeUpload } from './disk-work/transfer.ts'
import type { EventLog } from './event-log.ts'
import { pathsIn, wholePath } from './spec-paths.ts'
import type { Tasks } from './tasks.ts'
import { Turns } from './turns.ts'

/** Images that pass through the server at a time, each with a process of its own: more would only take turns. */
const MOST_TRANSFERS = 8

/** Operations at a time, each with a process of its own; the others wait for their turn. */
const MOST_OPERATIONS = 4

export interface DiskOperationsParts {
  readonly tasks: Tasks
  readonly events: EventLog
  /** Folders that may be used for an operation on a file. */
  readonly rootsFor: (path: string) => readonly string[]
  /** Where parents and children of a disk may lie. */
  readonly searchFoldersFor: (path: string) => readonly string[]
}

/** The workshop's operations as tasks of the server. */
export class DiskOperations {
  readonly #parts: DiskOperationsParts
  readonly #turns = new Turns(MOST_OPERATIONS)
  #transfers = 0

  constructor(parts: DiskOperationsParts) {
    this.#parts = parts
  }

  /** Starts the task and answers its id. @throws VivariumError kind `invalid` when the operation cannot be meant so. */
  start(name: string, asked: unknown): string {
    const { tasks, events } = this.#parts
    const operation = operationNamed(name)
    const spec = operation.schema.parse(asked)
    const paths = pathsIn(spec)
    const order = { operation: name, spec, ...this.#placesOf(paths) }
    const title = operation.title(spec)
    const task = {
      kind: `disk-${name}`,
      title,
      ...(paths[0] !== undefined && { diskPath: paths[0] }),
      turns: this.#turns,
    }
    return tasks.start(task, async (control) => {
      const { done, notes } = await runDiskWork(order, {
        signal: control.signal,
        progress: (fraction, detail) => control.progress(fraction * 100, detail),
      }).catch((error: unknown) => {
        if (!control.signal.aborted) events.add(failureOf(name, title, error))
        throw error
      })
      control.found({ result: done, notes: [...notes] })
      events.add({ severity: 'info', source: 'disk', code: `disk-${name}`, message: `Done: ${title}.` })
      return done
    }).id
  }

  /** The image at `source` as a file of another kind, made while it is sent. @throws VivariumError, also as `upload`. */
  async download({ source, ...wish }: DownloadWish): Promise<Download> {
    const places = this.#placesOf([wholePath(source, 'path')])
    const done = this.#startTransfer()
    try {
      const download = await startDownload({ kind: 'download', source, ...wish, ...places })
      if (download.bytes.closed) done()
      else download.bytes.once('close', done)
      return download
    } catch (error) {
      done()
      throw error
    }
  }

  /** A file from elsewhere, written as it comes. @throws VivariumError kind `busy`, code `too-many-transfers` ... */
  async upload(path: string, bytes: Readable, sizeBytes: number | undefined): Promise<{ sizeBytes: number }> {
    const size = sizeBytes === undefined ? {} : { sizeBytes }
    const places = this.#placesOf([wholePath(path, 'path')])
    const done = this.#startTransfer()
    try {
      const taken = await takeUpload({ kind: 'upload', path, ...size, ...places }, bytes)
      this.#parts.events.add({
        severity: 'info',
        source: 'disk',
        code: 'disk-uploaded',
        message: `Uploaded ${path}, ${formatSize(taken.sizeBytes)}.`,
      })
      return taken
    } finally {
      done()
    }
  }

  /** @returns To be called once it has ended. */
  #startTransfer(): () => void {
    if (this.#transfers >= MOST_TRANSFERS)
      throw new VivariumError(
        'busy',
        'too-many-transfers',
        `${MOST_TRANSFERS} images are being sent already.`,
        {
          next: 'Wait until one has ended.',
        },
      )
    this.#transfers++
    return () => {
      this.#transfers--
    }
  }

  #placesOf(paths: readonly string[]) {
    return {
      roots: unique(paths.flatMap(this.#parts.rootsFor)),
      searchFolders: unique(paths.flatMap(this.#parts.searchFoldersFor)),
    }
  }
}

export interface DownloadWish {
  readonly source: string
  /** What it shall be called. */
  readonly name: string
  readonly format?: string
  readonly subformat?: string
}

function unique(paths: readonly string[]): string[] {
  return [...new Set(paths)]
}

function failureOf(name: string, title: string, error: unknown) {
  return {
    severity: 'error',
    source: 'disk',
    code: `disk-${name}-failed`,
    message: `Failed: ${title}. ${describeError(error)}`,
  } as const
}
