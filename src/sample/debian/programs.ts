import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { VivariumError } from '../../base/index.ts'

/** Programs of the host, found where Debian puts them even when a user's PATH lacks the sbin folders. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin']

export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export interface RunOptions {
  readonly signal?: AbortSignal
  /** Each line that it says, of both outputs. */
  readonly onLine?: (line: string) => void
}

/** The last lines, for the error. */
const KEPT_LINES = 12

/**
 * Runs a program to its end. When the signal is aborted it is asked to end (SIGTERM) and waited for, so that it can
 * put its own things away.
 * @throws VivariumError kind `io`, code `program-failed`; the signal's reason.
 */
export async function runProgram(
  name: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<void> {
  const { signal, onLine } = options
  signal?.throwIfAborted()
  const child = spawn(findProgram(name) ?? name, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', PATH: FOLDERS.join(delimiter) },
  })
  const stop = () => child.kill('SIGTERM')
  signal?.addEventListener('abort', stop)
  const lines: string[] = []
  for (const output of [child.stdout, child.stderr]) {
    let rest = ''
    output.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split(/[\r\n]+/)
      rest = parts.pop()!
      for (const line of parts.filter((part) => part.trim() !== '')) {
        lines.push(line)
        if (lines.length > KEPT_LINES) lines.shift()
        onLine?.(line)
      }
    })
  }
  try {
    const ending = await new Promise<string>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, killer) => resolve(killer ?? String(code)))
    })
    signal?.throwIfAborted()
    if (ending !== '0') throw failed(name, ending, lines)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? missing(name) : error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

function failed(name: string, ending: string, lines: readonly string[]): VivariumError {
  // The first complaint is the cause; what follows only says that something failed.
  const said =
    lines.find((line) => /^E: |error|fail|cannot|unable|not found/i.test(line)) ?? lines.at(-1) ?? 'nothing'
  return new VivariumError('io', 'program-failed', `${name} ended with ${ending} and said: ${said.trim()}`, {
    next: 'See that the network and the package mirror can be reached and that the disk is not full, and try again.',
  })
}

function missing(name: string): VivariumError {
  return new VivariumError('unavailable', 'program-missing', `The program ${name} is not installed.`, {
    next: `Install the Debian package that has ${name}.`,
  })
}
