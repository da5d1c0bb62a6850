import net from 'node:net'
import { VivariumError } from '../../base/index.ts'
import { listenPrivately } from '../../system/index.ts'
import { type Command, type ControlMessage, commandSchema } from './control-protocol.ts'
import { readJsonLines, writeJsonLine } from './json-lines.ts'

export interface ControlServer {
  /** Clients connected now. */
  readonly connections: number
  /** Tells everybody who listens. */
  broadcast(message: ControlMessage): void
  close(): void
}

/**
 * Answers commands on a Unix socket that only this user can open. `answered` runs when the answer is on its way.
 */
export async function serveControl(
  path: string,
  carryOut: (command: Command) => unknown,
  answered: (command: Command) => void,
): Promise<ControlServer> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    readJsonLines(socket, (value) => {
      const command = commandSchema.safeParse(value)
      if (!command.success) socket.destroy()
      else {
        const answer = attempt(command.data, carryOut)
        writeJsonLine(socket, answer, () => answered(command.data))
      }
    })
  })
  await listenPrivately(server, path)
  return {
    get connections() {
      return sockets.size
    },
    broadcast(message) {
      for (const socket of sockets) writeJsonLine(socket, message)
    },
    close() {
      server.close()
      for (const socket of sockets) socket.end()
    },
  }
}

function attempt(command: Command, carryOut: (command: Command) => unknown): ControlMessage {
  try {
    return { id: command.id, result: carryOut(command) ?? null }
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
    return { id: command.id, error: error.toJSON() }
  }
}
