import type { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import { VivariumError } from '../../base/index.ts'
import { forkModule } from '../../system/index.ts'
import type { ExtractEvent } from './entry.ts'
import {
  ANSWERS_FD,
  type Answer,
  answerSchema,
  errorFrom,
  FRAME,
  type Frame,
  framesOf,
  type Opening,
  type Request,
} from './protocol.ts'

export interface ReaderLimits {
  /** So long an answer may take, from question to answer; of an extraction, from one piece to the next. */
  readonly silenceMs: number
  /** Of the reader's own objects; 7-Zip's memory is limited beside it. */
  readonly heapMB: number
}

export const READER_LIMITS: ReaderLimits = { silenceMs: 120_000, heapMB: 1024 }

/**
 * A process that reads the file systems of one disk, as long as it behaves: one that falls silent or dies gives an
 * error, and the next question a new process.
 */
export class Reader {
  readonly #opening: Opening
  readonly #limits: ReaderLimits
  #running: Running | undefined
  #closed = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(opening: Opening, limits: Partial<ReaderLimits> = {}) {
    this.#opening = opening
    this.#limits = { ...READER_LIMITS, ...limits }
  }

  /**
   * Asks one thing; questions wait for each other. `sink` gets what an extraction tells, and the reader waits for it.
   * @throws VivariumError: the reader's own; code `inside-reader-died` or `inside-reader-silent`; the signal's reason.
   */
  ask(
    request: Request,
    sink: (event: ExtractEvent) => void | Promise<void> = () => undefined,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const asked = this.#last.then(() => this.#ask(request, sink, signal))
    this.#last = asked.catch(() => undefined)
    return asked
  }

  /** Ends it for good: questions that still wait start no process any more. */
  close(): void {
    this.#closed = true
    this.end()
  }

  /** Ends the process at once. The next question starts another. */
  end(): void {
    this.#running?.child.kill('SIGKILL')
    this.#running = undefined
  }

  async #ask(
    request: Request,
    sink: (event: ExtractEvent) => void | Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    signal?.throwIfAborted()
    if (this.#closed) throw closed(this.#opening.path)
    this.#running ??= start(this.#opening, this.#limits)
    const running = this.#running
    const stop = () => running.child.kill('SIGKILL')
    signal?.addEventListener('abort', stop, { once: true })
    let answered = false
    try {
      running.child.send(request, () => undefined)
      for (;;) {
        const frame = await this.#next(running, signal)
        signal?.throwIfAborted()
        if (frame.kind === FRAME.data) {
          await sink({ event: 'data', bytes: frame.payload })
          continue
        }
        const answer: Answer = answerSchema.parse(JSON.parse(frame.payload.toString('utf8')))
        if ('event' in answer) {
          await sink(answer)
          continue
        }
        answered = true
        if ('error' in answer) throw this.#placed(errorFrom(answer.error))
        return answer.done
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      // What it still has to say would be taken for the answer to the next question.
      if (!answered) this.end()
    }
  }

  async #next(running: Running, signal: AbortSignal | undefined): Promise<Frame> {
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<'silent'>((resolve) => {
      timer = setTimeout(() => resolve('silent'), this.#limits.silenceMs)
    })
    try {
      const next = await Promise.race([running.frames.next(), silence])
      if (next === 'silent') throw this.#failed('silent')
      if (next.done) {
        // We ended it ourselves.
        signal?.throwIfAborted()
        throw this.#failed('died', await running.exit)
      }
      return next.value
    } finally {
      clearTimeout(timer)
    }
  }

  #failed(how: 'silent' | 'died', exit = ''): VivariumError {
    const seconds = Math.round(this.#limits.silenceMs / 1000)
    return new VivariumError(
      'corrupt',
      `inside-reader-${how}`,
      how === 'silent'
        ? `The reader of its file systems did not answer for ${seconds} s and was ended.`
        : `The reader of its file systems ended (${exit}).`,
      {
        where: { path: this.#opening.path },
        next: 'The file system is probably damaged: check it in the guest.',
      },
    )
  }

  /** The reader knows which file it reads; its errors need not say so. */
  #placed(error: VivariumError): VivariumError {
    if (error.where.path !== undefined) return error
    const { kind, code, message, where, next } = error
    return new VivariumError(kind, code, message, {
      where: { path: this.#opening.path, ...where },
      ...(next !== undefined && { next }),
    })
  }
}

function closed(path: string): VivariumError {
  return new VivariumError('unavailable', 'inside-closed', 'The disk is not looked into any more.', {
    where: { path },
    next: 'Open it again.',
  })
}

interface Running {
  readonly child: ChildProcess
  readonly frames: AsyncGenerator<Frame, undefined>
  /** Its exit code or signal, for people. */
  readonly exit: Promise<string>
}

function start(opening: Opening, { heapMB }: ReaderLimits): Running {
  const child = forkModule(import.meta.url, 'reader-main', [], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning', `--max-old-space-size=${heapMB}`],
    // 7-Zip prints and takes times of this zone; what the times mean is for the listing to know.
    env: { ...process.env, TZ: 'UTC' },
  })
  const exit = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    child.once('error', (error) => resolve(error.message))
  })
  child.send({ open: opening }, () => undefined)
  // It must not keep us alive when nobody asks it anything.
  child.unref()
  child.channel?.unref()
  const answers = child.stdio[ANSWERS_FD] as Readable
  return { child, frames: framesOf(answers), exit }
}
