import { VivariumError } from '../base/index.ts'
import { type ExtractEvent, FolderArchive, type Inside } from '../workshop/index.ts'
import type { Download } from './disk-files.ts'

export interface WantedArchive {
  readonly volume: number
  readonly folder: string
  readonly name: string
}

/** Resolves with the first sign of the folder, or the end of an empty one. */
export function startArchive(
  inside: Inside,
  { volume, folder, name }: WantedArchive,
  done: () => void,
): Promise<Download> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const stop = new AbortController()
  const stopped = new Promise<never>((_, reject) =>
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true }),
  )
  stopped.catch(() => undefined)
  const archive = new FolderArchive(writable)
  const bytes = untilCancelled(readable, stop)
  return new Promise((resolve, reject) => {
    let begun = false
    const sink = (event: ExtractEvent) => {
      begun = true
      resolve({ name, sizeBytes: undefined, bytes: bytes.stream })
      return Promise.race([archive.take(event), stopped])
    }
    inside
      .extract(volume, folder, sink, stop.signal)
      .then(
        () => undefined,
        (error: unknown) => damageOf(error, begun),
      )
      .then(async (damage) => {
        resolve({ name, sizeBytes: undefined, bytes: bytes.stream })
        await Promise.race([archive.end(damage), stopped])
      })
      .catch((error: unknown) => {
        reject(error)
        bytes.fail(error)
      })
      .finally(done)
  })
}

/** Of a damaged file system it is as much as can be read, and the archive says so; all else is no archive. */
function damageOf(error: unknown, begun: boolean): string {
  if (begun && error instanceof VivariumError && error.code === 'inside-damaged') return error.message
  throw error
}

/** The same bytes; who cancels them aborts `stop`, and `fail` ends them with an error. */
function untilCancelled(bytes: ReadableStream<Uint8Array>, stop: AbortController) {
  const reader = bytes.getReader()
  let failed: (error: unknown) => void = () => undefined
  const failure = new Promise<never>((_, reject) => {
    failed = reject
  })
  failure.catch(() => undefined)
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await Promise.race([reader.read(), failure])
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel(reason) {
        stop.abort(reason ?? new Error('The download was cancelled.'))
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, fail: failed }
}
