import { describeError, VivariumError } from '../../base/index.ts'
import type { StartAnswer, StartOrder } from './control-protocol.ts'
import { DiskServer } from './disk-server.ts'

/** The disk server's process. Its output is the log file of its run; its order comes from the parent that forks it. */
const log = (line: string) => console.log(`${new Date().toISOString()} ${line}`)

const giveUp = (why: string): never => {
  log(why)
  process.exit(1)
}

/** Until it has answered it belongs to its parent alone, and dies with it. */
const orphaned = () => giveUp('the parent is gone')

async function start(order: StartOrder): Promise<void> {
  try {
    const server = await DiskServer.open(order, { log, exit: () => process.exit(0) })
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.on(signal, () => server.end(signal))
    process.on('uncaughtException', (error) => {
      log(error.stack ?? String(error))
      server.end('a fault of our own')
    })
    answer({ ready: true })
  } catch (error) {
    const known =
      error instanceof VivariumError
        ? error
        : new VivariumError('io', 'disk-server-failed', `The disk server failed: ${String(error)}.`)
    log(describeError(error))
    answer({ error: known.toJSON() })
  }
}

function answer(message: StartAnswer): void {
  process.off('disconnect', orphaned)
  if (!process.connected) orphaned()
  process.send!(message, () => {
    if ('error' in message) process.exit(1)
  })
}

process.once('disconnect', orphaned)
process.once('message', (order: StartOrder) => void start(order))
