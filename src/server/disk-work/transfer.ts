import type { ChildProcess } from 'node:child_process'
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { VivariumError } from '../../base/index.ts'
import { errorFromRecord, errorRecordSchema } from '../../engine/index.ts'
import { forkModule, systemError } from '../../system/index.ts'

/** Whole images through the server, to a browser or from one; the bytes pass a process of their own. */
export type TransferOrder = {
  readonly roots: readonly string[]
  readonly searchFolders: readonly string[]
} & (
  | {
      readonly kind: 'download'
      readonly source: string
      /** The name it will bear, whose ending says the format where that is not given. */
      readonly name: string
      readonly format?: string
      readonly subformat?: string
    }
  | { readonly kind: 'upload'; readonly path: string; readonly sizeBytes?: number }
)

export const transferNewsSchema = z.union([
  z.object({ ready: z.object({ sizeBytes: z.number().optional() }) }),
  z.object({ done: z.object({ sizeBytes: z.number() }) }),
  z.object({ error: errorRecordSchema }),
])
export type TransferNews = z.infer<typeof transferNewsSchema>

export interface Download {
  /** Bytes of the image, where that is known before it is made. */
  readonly sizeBytes?: number | undefined
  /** Ends early, with an error, when the image cannot be made to its end. Destroy it to stop. */
  readonly bytes: Readable
}

/** Starts making an image for somebody who takes it as it comes. @throws VivariumError as `convertToStream`. */
export async function startDownload(order: TransferOrder & { kind: 'download' }): Promise<Download> {
  const child = forkTransfer(order, 'ignore', 'pipe')
  const bytes = new PassThrough()
  bytes.once('close', () => child.kill('SIGTERM'))
  child.stdout!.pipe(bytes, { end: false })
  // A pipe ends alike when its writer is done and when it died: the exit tells them apart, and is waited for.
  child.once('close', (code) => {
    if (code === 0) bytes.end()
    else bytes.destroy(died())
  })
  const news = await nextNews(child).catch((error: unknown) => {
    bytes.destroy()
    throw error
  })
  if ('error' in news) {
    bytes.destroy()
    throw errorFromRecord(news.error)
  }
  return { bytes, sizeBytes: 'ready' in news ? news.ready.sizeBytes : undefined }
}

/** Takes a file in as it comes; it appears under its name when all of it is there. @throws VivariumError. */
export async function takeUpload(
  order: TransferOrder & { kind: 'upload' },
  bytes: Readable,
): Promise<{ sizeBytes: number }> {
  const child = forkTransfer(order, 'pipe', 'ignore')
  const answer = nextNews(child, 'done')
  const pumped = pipeline(bytes, child.stdin!).then(
    () => undefined,
    // What the child said of it tells more than the broken pipe; a browser that is gone is told by nobody.
    (error: unknown) => {
      child.kill('SIGTERM')
      return error
    },
  )
  const news = await answer.catch(async (error: unknown) => {
    const broken = await pumped
    throw broken === undefined ? error : uploadCutShort(order.path, broken)
  })
  if ('error' in news) throw errorFromRecord(news.error)
  return { sizeBytes: 'done' in news ? news.done.sizeBytes : 0 }
}

function forkTransfer(
  order: TransferOrder,
  stdin: 'pipe' | 'ignore',
  stdout: 'pipe' | 'ignore',
): ChildProcess {
  const child = forkModule(import.meta.url, 'transfer-main', [], { stdio: [stdin, stdout, 'inherit', 'ipc'] })
  child.send(order, () => undefined)
  return child
}

function nextNews(child: ChildProcess, wanted: 'ready' | 'done' = 'ready'): Promise<TransferNews> {
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      const news = transferNewsSchema.parse(message)
      if ('error' in news || wanted in news) resolve(news)
    })
    child.once('error', (error) => reject(systemError(error, process.execPath)))
    child.once('exit', () => reject(died()))
  })
}

function died(): VivariumError {
  return new VivariumError('io', 'transfer-died', 'The process that passed the bytes on ended.', {
    next: 'Nothing was changed: try again.',
  })
}

function uploadCutShort(path: string, cause: unknown): VivariumError {
  return new VivariumError('io', 'upload-cut-short', 'The upload ended before all of the file had come.', {
    where: { path },
    next: 'Nothing of it was kept: upload it again.',
    cause,
  })
}
