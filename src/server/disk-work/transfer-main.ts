import { basename, dirname, join } from 'node:path'
import { VivariumError } from '../../base/index.ts'
import {
  createFiles,
  realPath,
  requireInside,
  requireRoomFor,
  systemError,
  writeInOrder,
} from '../../system/index.ts'
import { convertToStream, type OperationControl } from '../../workshop/index.ts'
import type { TransferNews, TransferOrder } from './transfer.ts'

/** The process that one upload or download passes through. */
const controller = new AbortController()

function tell(news: TransferNews): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send!(news, () => resolve())
    else resolve()
  })
}

function controlFor({ roots, searchFolders }: TransferOrder): OperationControl {
  return {
    signal: controller.signal,
    roots,
    searchFolders,
    progress: () => undefined,
    note: () => undefined,
  }
}

async function download(order: TransferOrder & { kind: 'download' }): Promise<void> {
  const { source, name, format, subformat } = order
  const wish = { ...(format !== undefined && { format }), ...(subformat !== undefined && { subformat }) }
  const stream = await convertToStream({ source, name, ...wish }, controlFor(order))
  const { sizeBytes } = stream
  await tell({ ready: sizeBytes === undefined ? {} : { sizeBytes } })
  await writeInOrder(1, stream.pieces(), name)
}

async function upload({ path, sizeBytes, roots }: TransferOrder & { kind: 'upload' }): Promise<void> {
  const folder = requireInside(realPath(dirname(path)), roots.map(realPath))
  const target = join(folder, basename(path))
  if (sizeBytes !== undefined) requireRoomFor(sizeBytes, folder, [basename(path)])
  const files = createFiles(folder, [basename(path)])
  try {
    const store = files.stores[0]!
    let at = 0
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      controller.signal.throwIfAborted()
      store.write(at, chunk)
      at += chunk.length
    }
    if (sizeBytes !== undefined && at !== sizeBytes)
      throw new VivariumError('io', 'upload-cut-short', `${at} of ${sizeBytes} bytes came.`, {
        where: { path: target },
        next: 'Nothing of it was kept: upload it again.',
      })
    files.publish()
    await tell({ done: { sizeBytes: at } })
  } finally {
    files.close()
  }
}

async function transfer(order: TransferOrder): Promise<void> {
  try {
    await (order.kind === 'download' ? download(order) : upload(order))
    process.exit(0)
  } catch (error) {
    const known = error instanceof VivariumError ? error : systemError(error, order.kind)
    await tell({ error: known.toJSON() })
    process.exit(1)
  }
}

const stop = () => controller.abort()
process.once('disconnect', stop)
process.once('SIGTERM', stop)
process.once('message', (order: TransferOrder) => void transfer(order))
