import { fileURLToPath } from 'node:url'
import { listen } from '../../api/server/index.ts'
import { dataFolderAt, defaultDataFolder, VirtualServer } from '../../server/index.ts'
import { collect, defineCommand, parsePort, runCommand } from '../command.ts'
import { pathOf } from '../path.ts'
import { version } from '../version.ts'

interface ServeOptions {
  host: string
  name: string[]
  port: number
  data: string
  root: string[]
  keepRunning: boolean
}

export function run(args: string[]): Promise<number> {
  const command = defineCommand('vivarium serve', 'Start the server and its site.')
    .option('--host <address>', 'address to listen on, 0.0.0.0 = all of this computer', '127.0.0.1')
    .option('--name <name>', 'a name by which others may call the server (repeat for more)', collect, [])
    .option('--port <number>', 'port to listen on, 0 = any free one', parsePort, 1024)
    .option('--data <folder>', 'where machines and settings are kept', defaultDataFolder())
    .option('--root <folder>', 'a folder that machine files may refer into (repeat for more)', collect, [])
    .option('--keep-running', 'leave QEMU machines running when the server is stopped', false)
    .action((options: ServeOptions) => serve(options))
  return runCommand(command, args)
}

/** One line with the address and the sign-in link on standard output; then it serves until it is told to stop. */
async function serve(options: ServeOptions): Promise<void> {
  const folder = dataFolderAt(pathOf(options.data))
  const roots = [process.cwd(), ...options.root].map(pathOf).filter((root) => root !== '/')
  const server = await VirtualServer.open({ folder, version, roots })
  try {
    const siteFolder = fileURLToPath(new URL('../../../dist/web', import.meta.url))
    const { host, port, name: names } = options
    const listening = await listen(server, { host, port, names, siteFolder })
    server.announce(listening.url)
    await server.welcome()
    console.log(`Vivarium is at ${listening.url} - sign in once with ${server.newSignInLink().url}`)
    await untilStopped()
    console.error('Stopping ...')
    await listening.close()
  } finally {
    await server.close(options.keepRunning)
  }
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
