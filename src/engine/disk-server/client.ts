import type { ChildProcess } from 'node:child_process'
import { chmodSync, closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Events, VivariumError } from '../../base/index.ts'
import {
  forkModule,
  identifyProcess,
  isSameProcess,
  makeFolder,
  type ProcessIdentity,
  systemError,
} from '../../system/index.ts'
import type { DiskLayers } from '../engine.ts'
import { errorFromRecord } from '../records.ts'
import { ControlClient, type DiskServerEvents } from './control-client.ts'
import {
  type DiskServerStatus,
  diskServerStatusSchema,
  FILES,
  type StartAnswer,
  startAnswerSchema,
} from './control-protocol.ts'

/** Opening a long chain from a slow share takes its time; a child that hangs must not hang its parent. */
const START_MS = 60_000
/** The last flush may take long on a slow host; after the answer the child only has to exit. */
const STOP_MS = 60_000
const EXIT_MS = 5000
const POLL_MS = 10

export interface DiskExport {
  /** The NBD export's name, for example `ide0-0`. */
  readonly name: string
  readonly disk: DiskLayers
  /** A read-only disk is announced as writable and refuses each write, for a client that takes no other. */
  readonly refuseWrites?: boolean
}

/** What `adoptDiskServer` needs to find a disk server again; JSON. */
export interface DiskServerAdoption {
  readonly runFolder: string
  readonly identity: ProcessIdentity
  readonly exportNames: readonly string[]
}

/** A disk server process of one run, and the control connection to it. */
export interface DiskServerHandle {
  /** Unix socket that speaks NBD: `nbd+unix:///NAME?socket=PATH`. */
  readonly socketPath: string
  readonly exportNames: readonly string[]
  readonly identity: ProcessIdentity
  readonly adoption: DiskServerAdoption
  readonly events: Events<DiskServerEvents>
  status(): Promise<DiskServerStatus>
  /** From now on it lives as long as this process, not as long as the one that started it. */
  watch(pid: number): Promise<void>
  /** Flushes every disk. @throws VivariumError kind `io`. */
  flush(): Promise<void>
  /**
   * Flushes, closes, ends the process, and resolves when it is gone; also when it was gone before.
   * @throws VivariumError kind `io` when the last flush failed; the process is gone all the same.
   */
  stop(): Promise<void>
  /** Lets go without stopping it. */
  detach(): void
}

/**
 * Starts a process that opens the disks and serves them over NBD on a private Unix socket in `runFolder`, which
 * is made if need be and closed to other users. The process survives the death of this one as long as the process
 * named by `watch` lives.
 * @throws VivariumError: what opening the disks threw, in the child; nothing is left running.
 */
export async function startDiskServer(options: {
  readonly runFolder: string
  readonly exports: readonly DiskExport[]
}): Promise<DiskServerHandle> {
  const { runFolder, exports } = options
  checkNames(exports)
  const child = forkChild(runFolder)
  try {
    child.send({ runFolder, exports }, () => undefined)
    const answer = await firstAnswer(child, join(runFolder, FILES.log))
    if ('error' in answer) throw errorFromRecord(answer.error)
    const identity = identifyProcess(child.pid!)
    if (identity === undefined) throw died(join(runFolder, FILES.log))
    const adoption = { runFolder, identity, exportNames: exports.map(({ name }) => name) }
    return handleOf(adoption, await ControlClient.connect(join(runFolder, FILES.control)))
  } catch (error) {
    child.kill('SIGTERM')
    throw error
  } finally {
    if (child.connected) child.disconnect()
    child.unref()
  }
}

/** Finds the disk server of an earlier server process; undefined when it is gone. */
export async function adoptDiskServer(adoption: DiskServerAdoption): Promise<DiskServerHandle | undefined> {
  if (!isSameProcess(adoption.identity)) return undefined
  try {
    const control = await ControlClient.connect(join(adoption.runFolder, FILES.control))
    return handleOf(adoption, control)
  } catch (error) {
    if (error instanceof VivariumError) return undefined
    throw error
  }
}

function checkNames(exports: readonly DiskExport[]): void {
  const names = exports.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  throw new VivariumError('invalid', 'export-name-taken', `Two disks cannot both be called "${twice}".`, {
    next: 'Give every disk of a run a name of its own.',
  })
}

function forkChild(runFolder: string): ChildProcess {
  const logPath = join(runFolder, FILES.log)
  try {
    makeFolder(runFolder)
    chmodSync(runFolder, 0o700)
    const log = openSync(logPath, 'a', 0o600)
    try {
      // The folder as an argument is for people who look at the process list.
      const stdio = ['ignore', log, log, 'ipc'] as ['ignore', number, number, 'ipc']
      return forkModule(import.meta.url, 'main', [runFolder], { detached: true, stdio })
    } finally {
      closeSync(log)
    }
  } catch (error) {
    throw systemError(error, logPath)
  }
}

async function firstAnswer(child: ChildProcess, logPath: string): Promise<StartAnswer> {
  const timeout = AbortSignal.timeout(START_MS)
  return await new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(startAnswerSchema.parse(message)))
    child.once('error', (error) => reject(systemError(error, process.execPath)))
    child.once('exit', () => reject(died(logPath)))
    timeout.addEventListener('abort', () => reject(died(logPath)))
  })
}

function died(logPath: string): VivariumError {
  return new VivariumError('unavailable', 'disk-server-died', 'The disk server did not start.', {
    where: { path: logPath },
    next: 'The log says why.',
  })
}

function handleOf(adoption: DiskServerAdoption, control: ControlClient): DiskServerHandle {
  const { runFolder, identity, exportNames } = adoption
  return {
    socketPath: join(runFolder, FILES.disks),
    exportNames,
    identity,
    adoption,
    events: control.events,
    status: async () => diskServerStatusSchema.parse(await control.send({ command: 'status' })),
    watch: async (pid) => void (await control.send({ command: 'watch', pid })),
    flush: async () => void (await control.send({ command: 'flush' })),
    async stop() {
      try {
        await Promise.race([control.send({ command: 'stop' }), tooSlow(runFolder)])
      } catch (error) {
        if (!(error instanceof VivariumError) || error.code !== 'disk-server-gone') throw error
      } finally {
        await waitForExit(identity)
        await control.closed
      }
    },
    detach: () => control.letGo(),
  }
}

async function tooSlow(runFolder: string): Promise<never> {
  await sleep(STOP_MS, undefined, { ref: false })
  throw new VivariumError('io', 'disk-server-hangs', `The disk server did not stop in ${STOP_MS / 1000} s.`, {
    where: { path: join(runFolder, FILES.log) },
    next: 'It was killed; check the disks of the machine.',
  })
}

/** A disk server that has closed its disks has nothing to lose, so one that then hangs is killed. */
async function waitForExit(identity: ProcessIdentity): Promise<void> {
  const deadline = performance.now() + EXIT_MS
  while (isSameProcess(identity)) {
    if (performance.now() > deadline) kill(identity)
    await sleep(POLL_MS)
  }
}

function kill({ pid }: ProcessIdentity): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It went by itself between the look and the kill.
  }
}
