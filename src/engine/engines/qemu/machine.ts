import { setTimeout as sleep } from 'node:timers/promises'
import { Events, VivariumError } from '../../../base/index.ts'
import { isSameProcess, processCpuSeconds } from '../../../system/index.ts'
import type { DiskServerHandle } from '../../disk-server/index.ts'
import type { Plan, RunEvents, RunningMachine, RunState } from '../../engine.ts'
import type { QemuAdoption } from './adoption.ts'
import { Cables } from './cables.ts'
import { changeMedium } from './cd.ts'
import { endProcess } from './ending.ts'
import { boundLog } from './log.ts'
import { Qmp } from './qmp.ts'
import { isRecord, type QmpEvent } from './qmp-messages.ts'
import { cannotGoOn, diskFailed, disksDied, pausedByDisk, qemuDied } from './run-errors.ts'
import { type RunPaths, runPaths } from './run-folder.ts'

/** QEMU closes its disks when it quits, which waits for their last writes. */
const QUIT_LIMITS = { waitMs: 10_000, termMs: 5000, killMs: 5000 }
/** QEMU that has lost its disks or its mind has nothing to finish. */
const FAILED_LIMITS = { waitMs: 0, termMs: 1000, killMs: 5000 }
const QUIT_ANSWER_MS = 5000
const LOG_LOOK_MS = 5000
const EXIT_LIMIT_MS = 500

export interface MachineParts {
  readonly plan: Plan
  readonly adoption: QemuAdoption
  readonly disks: DiskServerHandle | undefined
  /** How QEMU ended, where it is a child of ours: "with status 1". */
  readonly exit?: Promise<string>
}

/**
 * One QEMU process and its disk server, from the first connection to the end.
 *
 * QEMU's events drive the state; a command only asks. Whatever ends the run (turnOff, the guest, a crash of
 * either process) goes through `#finish`, once: QEMU gone -> disk server stopped, which flushes -> events.
 */
export class QemuMachine implements RunningMachine {
  readonly engine = 'qemu'
  readonly accelerator: 'kvm' | 'tcg'
  readonly startedAt: Date
  readonly events = new Events<RunEvents>()
  readonly consoleSocket: string
  readonly serialSockets: readonly string[]
  readonly adoption: QemuAdoption

  readonly #parts: MachineParts
  readonly #paths: RunPaths
  readonly #cables = new Cables((command, args) => this.#ask(command, args))
  readonly #unsubscribe: (() => void)[] = []
  #state: RunState = 'running'
  #qmp: Qmp | undefined
  #logTimer: NodeJS.Timeout | undefined
  #outcome: 'guest-off' | 'turned-off' | VivariumError | undefined
  #finished: Promise<VivariumError | undefined> | undefined
  #detached = false

  private constructor(parts: MachineParts) {
    const { runFolder, serialPorts } = parts.plan.spec
    this.#parts = parts
    this.#paths = runPaths(runFolder)
    this.adoption = parts.adoption
    this.accelerator = parts.adoption.accelerator
    this.startedAt = new Date(parts.adoption.startedAt)
    this.consoleSocket = this.#paths.console
    this.serialSockets = Array.from({ length: serialPorts }, (_, index) => this.#paths.serial(index))
  }

  /** Connects to a QEMU that listens. @throws as Qmp.connect does; nothing is ended then, only let go. */
  static async connect(parts: MachineParts, limitMs?: number): Promise<QemuMachine> {
    const machine = new QemuMachine(parts)
    const listener = {
      onEvent: (event: QmpEvent) => machine.#handle(event),
      onClose: (error: VivariumError | undefined) => machine.#onClose(error),
    }
    machine.#qmp = await Qmp.connect(machine.#paths.qmp, listener, limitMs)
    try {
      if ((await machine.#status(limitMs)) !== 'running') machine.#state = 'paused'
    } catch (error) {
      machine.#letGo()
      throw error
    }
    machine.#watchDisks()
    machine.#logTimer = setInterval(() => machine.#boundLogs(), LOG_LOOK_MS).unref()
    return machine
  }

  get state(): RunState {
    return this.#state
  }

  /** @throws VivariumError kind `unavailable` where a switch port does not accept. */
  async plugCables(): Promise<void> {
    for (const adapter of this.#parts.plan.spec.adapters) await this.#cables.plug(adapter)
  }

  /** The same where the guest is running already: a switch that is not there yet is looked for until it is. */
  keepCables(): void {
    for (const adapter of this.#parts.plan.spec.adapters) void this.#cables.keep(adapter)
  }

  async pause(): Promise<void> {
    if (this.#state !== 'paused') await this.#ask('stop')
  }

  async resume(): Promise<void> {
    if (this.#state !== 'running') await this.#ask('cont')
  }

  async reset(): Promise<void> {
    await this.#ask('system_reset')
  }

  async pressPowerButton(): Promise<void> {
    await this.#ask('system_powerdown')
  }

  async changeCd(channel: number, unit: number, image: string | undefined): Promise<void> {
    await changeMedium((command, args) => this.#ask(command, args), this.#parts.plan.spec, {
      channel,
      unit,
      image,
    })
  }

  async turnOff(): Promise<void> {
    if (this.#detached) throw stopped()
    if (this.#finished === undefined) {
      this.#outcome ??= 'turned-off'
      // Whatever it answers, what counts is that it goes; `#finish` sees to that.
      await this.#qmp?.execute('quit', {}, QUIT_ANSWER_MS).catch(() => undefined)
    }
    const error = await this.#finish()
    if (error !== undefined) throw error
  }

  async cpuSeconds(): Promise<number> {
    const { qemu, disks } = this.adoption
    const processes = [qemu, ...(disks === undefined ? [] : [disks.identity])]
    return processes
      .filter(isSameProcess)
      .map(({ pid }) => processCpuSeconds(pid))
      .reduce((sum, seconds) => sum + seconds, 0)
  }

  async detach(): Promise<void> {
    this.#detached = true
    this.#letGo()
    this.#parts.disks?.detach()
  }

  async #ask(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#qmp === undefined || this.#detached || this.#finished !== undefined) throw stopped()
    return this.#qmp.execute(command, args)
  }

  async #status(limitMs?: number): Promise<string> {
    const answer = await this.#qmp!.execute('query-status', {}, limitMs)
    return isRecord(answer) ? String(answer.status) : 'unknown'
  }

  #handle(event: QmpEvent): void {
    this.#cables.handle(event)
    switch (event.name) {
      case 'STOP':
        this.#enter('paused')
        void this.#lookWhyStopped()
        break
      case 'RESUME':
        this.#enter('running')
        break
      case 'RESET':
        this.events.emit('reset', { by: event.data.guest === true ? 'guest' : 'host' })
        break
      case 'SHUTDOWN':
        if (event.data.guest === true) this.#outcome ??= 'guest-off'
        else if (event.data.reason === 'host-signal') this.#outcome ??= qemuDied(BY_SIGNAL, this.#paths.log)
        break
      case 'BLOCK_IO_ERROR':
        if (event.data.action === 'stop') void this.#tellWhyPaused(String(event.data.reason))
        break
    }
  }

  /** A stop that nobody asked for: an emulator that cannot go on says so only here. */
  async #lookWhyStopped(): Promise<void> {
    // Without an answer QEMU is going, and its end tells more.
    const status = await this.#status().catch(() => undefined)
    if (status === 'internal-error') this.#fail(cannotGoOn(this.accelerator, this.#paths.log))
  }

  /** The disk server knows which file could not be written and why; QEMU only that it could not. */
  async #tellWhyPaused(reason: string): Promise<void> {
    const status = await this.#parts.disks?.status().catch(() => undefined)
    this.events.emit('problem', pausedByDisk(status?.lastFailure, reason))
  }

  #enter(state: RunState): void {
    if (this.#state === state || this.#state === 'stopped') return
    this.#state = state
    this.events.emit('state', state)
  }

  #watchDisks(): void {
    const { disks, plan } = this.#parts
    if (disks === undefined) return
    this.#unsubscribe.push(
      disks.events.on('failure', (failure) => {
        // ENOSPC pauses the machine, and is told then.
        if (failure.errno !== 'ENOSPC') this.events.emit('problem', diskFailed(failure))
      }),
      disks.events.on('exit', () => this.#fail(disksDied(plan.spec.runFolder))),
    )
  }

  #fail(error: VivariumError): void {
    if (this.#detached || this.#finished !== undefined || this.#outcome !== undefined) return
    this.#outcome = error
    void this.#finish()
  }

  /** The connection is gone: QEMU has ended, or talks nonsense; either way the run is over. */
  #onClose(error: VivariumError | undefined): void {
    if (this.#detached || error === undefined) return
    if (error.code === 'qmp-malformed') this.#outcome ??= error
    void this.#finish()
  }

  /** Ends what is left of the run. Resolves with the error that the disks' last flush threw, if it did. */
  #finish(): Promise<VivariumError | undefined> {
    this.#finished ??= this.#end()
    return this.#finished
  }

  async #end(): Promise<VivariumError | undefined> {
    const { disks, exit } = this.#parts
    const failed = this.#outcome instanceof VivariumError
    const gone = await endProcess(this.adoption.qemu, failed ? FAILED_LIMITS : QUIT_LIMITS)
    this.#letGo()
    const flushError = await stopDisks(disks)
    this.#outcome ??= unexpected(gone ? await firstOf(exit) : NEVER, this.#paths.log)
    if (this.#outcome instanceof VivariumError) this.events.emit('error', this.#outcome)
    else if (flushError !== undefined) this.events.emit('error', flushError)
    if (this.#outcome === 'guest-off') this.events.emit('guest-off', undefined)
    this.#enter('stopped')
    return flushError
  }

  #letGo(): void {
    clearInterval(this.#logTimer)
    this.#cables.close()
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    this.#qmp?.close()
  }

  #boundLogs(): void {
    const { serialPorts } = this.#parts.plan.spec
    boundLog(this.#paths.log)
    for (let index = 0; index < serialPorts; index++) boundLog(this.#paths.serialLog(index))
  }
}

const BY_SIGNAL = 'by a signal that Vivarium did not send'
const NEVER = "never: it hangs in the host's kernel"

/** The exit of a child is told a moment after its process is gone; of a child of another server, never. */
async function firstOf(exit: Promise<string> | undefined): Promise<string> {
  return await Promise.race([exit ?? 'unexpectedly', sleep(EXIT_LIMIT_MS, 'unexpectedly', { ref: false })])
}

/** QEMU that ended well before we could hear why: the guest switched the machine off in its first moment. */
function unexpected(how: string, logPath: string): 'guest-off' | VivariumError {
  return how === 'with status 0' ? 'guest-off' : qemuDied(how, logPath)
}

function stopped(): VivariumError {
  return new VivariumError('conflict', 'machine-stopped', 'The machine is not running.', {
    next: 'Start it first.',
  })
}

async function stopDisks(disks: DiskServerHandle | undefined): Promise<VivariumError | undefined> {
  try {
    await disks?.stop()
    return undefined
  } catch (error) {
    if (error instanceof VivariumError) return error
    throw error
  }
}
