import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/**
 * The path of a sibling module, with the extension of the asking module: `.ts` in a checkout (Node strips the
 * types), `.js` in the published package.
 */
export function siblingModule(importMetaUrl: string, name: string): string {
  const extension = importMetaUrl.endsWith('.ts') ? '.ts' : '.js'
  return fileURLToPath(new URL(`${name}${extension}`, importMetaUrl))
}

/** Starts a module of ours in a process of its own, with an IPC channel. */
export function forkModule(
  importMetaUrl: string,
  name: string,
  args: readonly string[] = [],
  options: ForkOptions = {},
): ChildProcess {
  return fork(siblingModule(importMetaUrl, name), args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
    ...options,
  })
}

/** Who a process id belongs to: ids are used again, so the start time (kernel ticks since boot) goes with it. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTicks: number
}

/** Also of another user, and where there is no /proc. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Reads /proc; undefined when the process is gone (or a zombie), or the system has no /proc. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const fields = readStat(pid)
  return fields === undefined || fields[0] === 'Z' ? undefined : { pid, startTicks: Number(fields[19]) }
}

export function isSameProcess(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startTicks === identity.startTicks
}

/** User + system seconds used so far; 0 when the process is gone. Assumes the universal 100 ticks a second. */
export function processCpuSeconds(pid: number): number {
  const fields = readStat(pid)
  return fields === undefined ? 0 : (Number(fields[11]) + Number(fields[12])) / 100
}

/** The fields of /proc/PID/stat after the command's name, state first (proc(5) numbers it 3). */
function readStat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/**
 * Ends this user's processes whose command line names the text, a path that only they can know: politely first, so
 * that they can write what they hold.
 */
export async function endProcessesNaming(text: string): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const found = processesNaming(text)
    if (found.length === 0) return
    for (const pid of found) {
      try {
        process.kill(pid, signal)
      } catch {
        // It ended by itself meanwhile, or is another user's.
      }
    }
    for (let waited = 0; waited < 3000 && processesNaming(text).length > 0; waited += 50) await delay(50)
  }
}

function processesNaming(text: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && commandLineOf(pid).includes(text))
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
