import { describeError, VivariumError } from '../base/index.ts'
import { printJsonError } from './command.ts'
import { exitCodeOf } from './exit.ts'
import { keepTerminalSafe } from './terminal.ts'

/** Runs a command line to its exit code; an error is shown here, once, without a stack trace. */
export async function runMain(main: (args: string[]) => Promise<number>): Promise<void> {
  keepTerminalSafe()
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    const known = error instanceof VivariumError ? error : unexpected(error)
    if (process.argv.includes('--json')) printJsonError(known)
    console.error(`vivarium: ${describeError(known)}`)
    if (known !== error && process.env.VIVARIUM_DEBUG) console.error(error)
    process.exitCode = exitCodeOf(known)
  }
}

/** A fault of ours, or one of the host that nobody foresaw. */
function unexpected(cause: unknown): VivariumError {
  return new VivariumError('io', 'unexpected', describeError(cause), { cause })
}
