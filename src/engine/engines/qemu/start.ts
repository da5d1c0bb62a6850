import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { VivariumError } from '../../../base/index.ts'
import {
  demandRegularFile,
  identifyProcess,
  makeFolder,
  type ProcessIdentity,
  systemError,
} from '../../../system/index.ts'
import { type DiskServerHandle, startDiskServer } from '../../disk-server/index.ts'
import type { Plan, RunSpec } from '../../engine.ts'
import type { QemuAdoption } from './adoption.ts'
import { driveId } from './argv.ts'
import { endProcess } from './ending.ts'
import { QemuMachine } from './machine.ts'
import { qemuDidNotStart } from './run-errors.ts'
import { runPaths } from './run-folder.ts'

/** From the start of the process to its first word on the control socket: a tenth of a second on a free host. */
const LISTEN_LIMIT_MS = 20_000
const LOOK_MS = 15
const EXIT_LIMIT_MS = 500
const ABORT_LIMITS = { waitMs: 0, termMs: 1000, killMs: 5000 }

/**
 * Disk server -> QEMU -> control connection -> cables. What fails on the way takes back everything before it.
 * @throws VivariumError: what opening the disks or images threw, or `qemu-start-failed` with QEMU's own words.
 */
export async function startQemu(plan: Plan): Promise<QemuMachine> {
  const { spec } = plan
  checkImages(spec)
  makeFolder(spec.runFolder)
  removeSockets(spec)
  const disks = await startDisks(spec)
  try {
    const child = await spawnQemu(plan)
    return await connect(plan, disks, child)
  } catch (error) {
    await disks?.stop().catch(() => undefined)
    removeSockets(spec)
    throw error
  }
}

async function startDisks(spec: RunSpec): Promise<DiskServerHandle | undefined> {
  const exports = spec.drives.flatMap(({ channel, unit, disk }) =>
    disk === undefined ? [] : [{ name: driveId(channel, unit), disk, refuseWrites: true }],
  )
  return exports.length === 0 ? undefined : await startDiskServer({ runFolder: spec.runFolder, exports })
}

interface Child {
  readonly identity: ProcessIdentity
  /** How it ended, for people: "with status 1". */
  readonly exit: Promise<string>
  hasEnded(): boolean
}

/** In a session of its own and with its output in a file, so that it outlives this server. */
async function spawnQemu({ argv, spec }: Plan): Promise<Child> {
  const logPath = runPaths(spec.runFolder).log
  const [program, ...args] = argv
  const log = openLog(logPath)
  let child: ChildProcess
  try {
    child = spawn(program!, args, {
      cwd: spec.runFolder,
      detached: true,
      env: qemuEnvironment(),
      stdio: ['ignore', log, log],
    })
  } finally {
    closeSync(log)
  }
  let ended = false
  const exit = new Promise<string>((resolve) => {
    child.once('exit', (status, signal) => {
      ended = true
      resolve(status === null ? `by the signal ${signal}` : `with status ${status}`)
    })
  })
  child.unref()
  await spawned(child, program!)
  const identity = identifyProcess(child.pid!)
  if (identity !== undefined) return { identity, exit, hasEnded: () => ended }
  throw qemuDidNotStart('it ended at once', logPath)
}

function openLog(path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (error) {
    throw systemError(error, path)
  }
}

/** English error texts, the host's time zone for the guest's clock, and nothing that belongs to the server. */
function qemuEnvironment(): Record<string, string> {
  const { PATH = '', TZ } = process.env
  return { PATH, LC_ALL: 'C', ...(TZ !== undefined && { TZ }) }
}

function spawned(child: ChildProcess, program: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => reject(systemError(error, program)))
  })
}

async function connect(plan: Plan, disks: DiskServerHandle | undefined, child: Child): Promise<QemuMachine> {
  const adoption: QemuAdoption = {
    engine: 'qemu',
    qemu: child.identity,
    ...(disks !== undefined && { disks: disks.adoption }),
    accelerator: plan.accelerator === 'kvm' ? 'kvm' : 'tcg',
    startedAt: new Date().toISOString(),
  }
  let machine: QemuMachine | undefined
  try {
    await disks?.watch(child.identity.pid)
    machine = await firstConnection(child, () =>
      QemuMachine.connect({ plan, adoption, disks, exit: child.exit }),
    )
    await machine.plugCables()
    return machine
  } catch (error) {
    await machine?.turnOff().catch(() => undefined)
    await endProcess(child.identity, ABORT_LIMITS)
    if (error instanceof VivariumError && !MEANS_GONE.has(error.code)) throw error
    const how = await Promise.race([child.exit, sleep(EXIT_LIMIT_MS, 'unexpectedly')])
    throw qemuDidNotStart(`it ended ${how}`, runPaths(plan.spec.runFolder).log)
  }
}

/** Errors of ours that only mean that QEMU is not there; its log says why. */
const MEANS_GONE = new Set(['qmp-nobody', 'qmp-broken', 'process-gone'])

/** QEMU opens its control socket some time after it started; until then, and while it lives, try again. */
async function firstConnection<Result>(child: Child, attempt: () => Promise<Result>): Promise<Result> {
  const deadline = performance.now() + LISTEN_LIMIT_MS
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      const nobodyYet = error instanceof VivariumError && error.code === 'qmp-nobody'
      if (!nobodyYet || child.hasEnded() || performance.now() > deadline) throw error
    }
    await sleep(LOOK_MS)
  }
}

/** QEMU would wait for ever at the other end of a pipe, and says of the rest only what its library says. */
function checkImages({ drives, floppies }: RunSpec): void {
  for (const { image } of [...drives, ...floppies]) if (image !== undefined) demandRegularFile(image)
}

/** What an earlier run left; a socket file in the way makes QEMU refuse, or us talk to nobody. */
function removeSockets(spec: RunSpec): void {
  const paths = runPaths(spec.runFolder)
  for (const path of [paths.qmp, paths.console, paths.serial(0), paths.serial(1)])
    rmSync(path, { force: true })
}
