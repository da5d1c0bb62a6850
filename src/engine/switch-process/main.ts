import { VivariumError } from '../../base/index.ts'
import { systemError } from '../../system/index.ts'
import { SwitchServer } from './switch-server.ts'

/**
 * The switch process: `main.ts FOLDER IDLE_SECONDS`. Started detached by client.ts, it says over the IPC channel
 * that it listens (or why it cannot), and from then on only its control socket counts.
 */
const [folder = '.', idleSeconds = '10'] = process.argv.slice(2)
const server = new SwitchServer(folder, Number(idleSeconds))

process.on('SIGTERM', () => void server.close())
process.on('SIGINT', () => void server.close())
try {
  await server.open()
  process.send?.({ ready: true })
} catch (error) {
  const failure = error instanceof VivariumError ? error : systemError(error, folder)
  process.send?.({ error: failure.toJSON() }, () => process.exit(1))
}
