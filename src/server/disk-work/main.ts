import { VivariumError } from '../../base/index.ts'
import { systemError } from '../../system/index.ts'
import { operationNamed } from '../../workshop/index.ts'
import type { ToWorker, WorkNews, WorkOrder } from './protocol.ts'

/** The process of one operation. It ends with its work, and stops it when the server stops or is gone. */
const controller = new AbortController()
/** Progress is told at most so often; the server has other things to do. */
const PROGRESS_MS = 200
let lastProgress = 0

async function work({ operation: name, spec, roots, searchFolders }: WorkOrder): Promise<WorkNews> {
  try {
    const operation = operationNamed(name)
    const done = await operation.run(operation.schema.parse(spec), {
      signal: controller.signal,
      roots,
      searchFolders,
      progress(fraction, detail) {
        if (performance.now() - lastProgress < PROGRESS_MS && fraction < 1) return
        lastProgress = performance.now()
        tell({ progress: fraction, ...(detail !== undefined && { detail }) })
      },
      note: (note) => tell({ note }),
    })
    return { done: { ...(done as object) } }
  } catch (error) {
    const known = error instanceof VivariumError ? error : systemError(error, name)
    if (known !== error) console.error(error)
    return { error: known.toJSON() }
  }
}

function tell(news: WorkNews): void {
  if (process.connected) process.send!(news)
}

process.once('disconnect', () => controller.abort())
process.on('message', (message: ToWorker) => {
  if ('stop' in message) controller.abort()
  else
    void work(message.order).then((last) => {
      if (!process.connected) process.exit(0)
      process.send!(last, () => process.exit(0))
    })
})
