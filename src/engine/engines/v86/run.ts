import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { Events, VivariumError } from '../../../base/index.ts'
import { forkModule, processCpuSeconds, systemError } from '../../../system/index.ts'
import type { Plan, RunEvents, RunningMachine, RunSpec, RunState } from '../../engine.ts'
import { type Call, type CallMessage, errorOf, FILES, type Message } from './messages.ts'

/** A stop flushes disks; a host that needs longer is stuck. */
const STOP_MILLISECONDS = 15_000

/** Starts the child process and the machine in it. @throws VivariumError when it cannot start. */
export async function startRun(plan: Plan): Promise<RunningMachine> {
  const child = forkChild(plan.spec.runFolder)
  const run = new V86Run(plan.spec, child)
  try {
    await run.call({ method: 'start', spec: plan.spec })
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return run
}

/** What the emulator prints goes to a log in the run's folder. */
function forkChild(runFolder: string): ChildProcess {
  const path = join(runFolder, FILES.log)
  let log: number
  try {
    log = openSync(path, 'a', 0o600)
  } catch (error) {
    throw systemError(error, path)
  }
  try {
    return forkModule(import.meta.url, './child', [], { stdio: ['ignore', log, log, 'ipc'] })
  } finally {
    closeSync(log)
  }
}

class V86Run implements RunningMachine {
  readonly engine = 'v86'
  readonly accelerator = 'wasm'
  readonly startedAt = new Date()
  readonly events = new Events<RunEvents>()
  readonly consoleSocket: string
  readonly serialSockets: readonly string[]
  readonly #child: ChildProcess
  readonly #calls = new Map<number, { resolve(): void; reject(error: unknown): void }>()
  readonly #gone: Promise<void>
  #state: RunState = 'running'
  #nextId = 1
  /** Its end is wanted, by us or by the guest. */
  #ending = false
  #cpuSeconds = 0

  constructor({ runFolder, serialPorts }: RunSpec, child: ChildProcess) {
    this.consoleSocket = join(runFolder, FILES.console)
    this.serialSockets = [0, 1].slice(0, serialPorts).map((index) => join(runFolder, `serial${index}.sock`))
    this.#child = child
    child.on('message', (message: Message) => this.#receive(message))
    this.#gone = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#exited(code, signal)
        resolve()
      })
      // Without an exit it never began.
      child.once('error', (error) => {
        this.#failCalls(
          new VivariumError('unavailable', 'v86-not-started', `Node could not start: ${error.message}.`),
        )
        resolve()
      })
    })
  }

  get state(): RunState {
    return this.#state
  }

  pause(): Promise<void> {
    return this.call({ method: 'pause' })
  }

  resume(): Promise<void> {
    return this.call({ method: 'resume' })
  }

  reset(): Promise<void> {
    return this.call({ method: 'reset' })
  }

  changeCd(channel: number, unit: number, image: string | undefined): Promise<void> {
    return this.call({ method: 'changeCd', channel, unit, image })
  }

  async turnOff(): Promise<void> {
    this.#ending = true
    // A process that does not answer ends all the same.
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MILLISECONDS)
    await this.call({ method: 'turnOff' }).catch(() => {})
    await this.#gone
    clearTimeout(timer)
  }

  async cpuSeconds(): Promise<number> {
    const { pid } = this.#child
    if (this.#state !== 'stopped' && pid !== undefined) this.#cpuSeconds = processCpuSeconds(pid)
    return this.#cpuSeconds
  }

  /** @throws VivariumError of the child, or `conflict` when it is gone. */
  call(call: Call): Promise<void> {
    return new Promise((resolve, reject) => {
      const gone = () =>
        reject(new VivariumError('conflict', 'machine-not-running', 'The machine is not running.'))
      if (this.#state === 'stopped' || !this.#child.connected) return gone()
      const id = this.#nextId++
      this.#calls.set(id, { resolve, reject })
      const message: CallMessage = { id, call }
      this.#child.send(message, (error) => {
        if (error) gone()
      })
    })
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case 'answer':
        if (message.error) this.#calls.get(message.id)?.reject(errorOf(message.error))
        else this.#calls.get(message.id)?.resolve()
        this.#calls.delete(message.id)
        break
      case 'state':
        this.#become(message.state)
        break
      case 'reset':
        this.events.emit('reset', { by: message.by })
        break
      case 'guest-off':
        this.#ending = true
        this.events.emit('guest-off', undefined)
        break
      case 'problem':
        this.events.emit('problem', message.problem)
        break
      case 'error':
        // The exit that follows needs no second error.
        this.#ending = true
        this.events.emit('error', errorOf(message.error))
        break
    }
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    const error = new VivariumError(
      'io',
      'v86-crashed',
      `The process of the emulator v86 ended unexpectedly (${signal ?? `exit code ${code}`}).`,
      { next: 'Start the machine again; its disks hold what was flushed up to a second before.' },
    )
    this.#failCalls(error)
    if (!this.#ending) this.events.emit('error', error)
    this.#become('stopped')
  }

  #failCalls(error: VivariumError): void {
    for (const { reject } of this.#calls.values()) reject(error)
    this.#calls.clear()
  }

  #become(state: RunState): void {
    if (state === this.#state) return
    this.#state = state
    this.events.emit('state', state)
  }
}
