import { closeSync, openSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ErrorRecord, Events, VivariumError } from '../../base/index.ts'
import type { SwitchHistory } from '../../network/index.ts'
import {
  checkSocketPath,
  forkModule,
  isSameProcess,
  makeFolder,
  type ProcessIdentity,
  systemError,
} from '../../system/index.ts'
import {
  type CaptureToFile,
  type CaptureToSocket,
  CONTROL_SOCKET,
  type SwitchEvent,
  type SwitchNetwork,
  type SwitchPortSettings,
  type SwitchSettings,
  type SwitchStatus,
} from './control.ts'
import { ControlCalls, connectControl, errorFrom } from './control-calls.ts'

/**
 * The owner's side of a switch process. The process outlives its owner while machines are plugged in; a later owner
 * finds it by its folder and takes it over.
 */

export interface StartSwitchOptions {
  /** A folder for its sockets alone; made (mode 0700) where it is missing. Keep it short: socket paths have a limit. */
  readonly socketFolder: string
  readonly networks: readonly SwitchNetwork[]
  readonly ports?: readonly SwitchPortSettings[]
  /** How long it lives without an owner and without stations. Default 10. */
  readonly idleSeconds?: number
}

export interface SwitchEvents {
  /** The process has ended, or let go of us. */
  closed: undefined
  /** What a network has to tell people. */
  network: SwitchEvent
}

const LOG = 'switch.log'
const START_MS = 15_000
const STOP_MS = 5_000

/**
 * Takes over the switch of this folder, or starts one, and gives it these networks. Stations of networks that stay
 * notice nothing. @throws VivariumError kind `invalid` on settings that cannot work.
 */
export async function startSwitch(options: StartSwitchOptions): Promise<SwitchClient> {
  const { socketFolder, networks, ports = [], idleSeconds = 10 } = options
  makeFolder(socketFolder)
  const running = await adoptSwitch(socketFolder)
  if (running === undefined) await startProcess(socketFolder, idleSeconds)
  const client = running ?? (await adoptSwitch(socketFolder))
  if (client === undefined) throw startFailure(socketFolder, 'It went away at once.')
  try {
    await client.configure({ networks: [...networks], ports: [...ports] })
  } catch (error) {
    if (running === undefined) await client.stop()
    else client.detach()
    throw error
  }
  return client
}

/** Takes over the switch that an earlier owner left in this folder; undefined when none is running. */
export async function adoptSwitch(socketFolder: string): Promise<SwitchClient | undefined> {
  checkSocketPath(join(socketFolder, CONTROL_SOCKET))
  const socket = await connectControl(join(socketFolder, CONTROL_SOCKET))
  if (socket === undefined) return undefined
  const events = new Events<SwitchEvents>()
  const calls = new ControlCalls(socket, (event) => events.emit('network', event))
  // One that is just ending may still accept.
  const identity = await answerOf(calls.call('hello', null))
  if (identity !== undefined) return new SwitchClient(socketFolder, calls, identity, events)
  calls.close()
  return undefined
}

export class SwitchClient {
  readonly identity: ProcessIdentity
  readonly events: Events<SwitchEvents>
  readonly #folder: string
  readonly #calls: ControlCalls

  constructor(folder: string, calls: ControlCalls, identity: ProcessIdentity, events: Events<SwitchEvents>) {
    this.#folder = folder
    this.#calls = calls
    this.identity = identity
    this.events = events
    void calls.closed.then(() => this.events.emit('closed', undefined))
  }

  /** Where stations of a network connect (`RunAdapter.switchSocket`). */
  socketOf(key: string): string {
    return join(this.#folder, `${key}.net`)
  }

  /** Where the one station of a port connects (`RunAdapter.switchSocket`): it can be patched while it is there. */
  socketOfPort(key: string): string {
    return join(this.#folder, `${key}.port`)
  }

  /** All networks and ports; those not named are closed and their stations unplugged. */
  async configure(settings: SwitchSettings): Promise<void> {
    await this.#calls.call('configure', settings)
  }

  status(): Promise<SwitchStatus> {
    return this.#calls.call('status', null)
  }

  /** What moved in a network, and at each of its ports, in the last 60 seconds and 60 minutes. */
  history(key: string): Promise<SwitchHistory> {
    return this.#calls.call('history', key)
  }

  /** Records the frames of a network in a file of the switch's computer, until `stopCapture`. */
  captureToFile(capture: CaptureToFile): Promise<number> {
    return this.#calls.call('captureToFile', capture)
  }

  /** A socket that gives the first who connects a filtered capture, as pcapng, until he goes. */
  captureToSocket(capture: CaptureToSocket): Promise<string> {
    return this.#calls.call('captureToSocket', capture)
  }

  /** A socket that gives everybody who connects a capture of a whole network, as pcapng, until he goes. */
  captureSocketOf(key: string): string {
    return join(this.#folder, `${key}.capture`)
  }

  /** Resolves when the file is complete. */
  async stopCapture(id: number): Promise<void> {
    await this.#calls.call('captureStop', id)
  }

  /**
   * Takes a DHCP lease away. To give its address to its client for good, configure a reservation for it.
   * @throws VivariumError kind `not-found` when there is no such lease
   */
  async dropLease(network: string, address: string): Promise<void> {
    await this.#calls.call('dropLease', { network, address })
  }

  /** Lets go without stopping: it lives on while a station is plugged in. */
  detach(): void {
    this.#calls.close()
  }

  /** Unplugs every station, and resolves when the process and its folder are gone. */
  async stop(): Promise<void> {
    const deadline = performance.now() + STOP_MS
    await answerOf(this.#calls.call('close', null))
    while (isSameProcess(this.identity)) {
      if (performance.now() >= deadline) process.kill(this.identity.pid, 'SIGKILL')
      await delay(20)
    }
    this.#calls.close()
    removeFolder(this.#folder)
  }
}

/** With its log, which has told what there was to tell. Where anything else is left, it stays. */
function removeFolder(folder: string): void {
  try {
    if (readdirSync(folder).some((name) => name !== LOG)) return
    rmSync(join(folder, LOG), { force: true })
    rmdirSync(folder)
  } catch {
    // Another owner was quicker, to remove it or to start a switch in it.
  }
}

/** A process that was stopped accepts connections, and answers nothing. Undefined then. */
async function answerOf<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  const waiting = new AbortController()
  const patience = delay(STOP_MS, undefined, { signal: waiting.signal })
  try {
    return await Promise.race([answer.catch(() => undefined), patience.catch(() => undefined)])
  } finally {
    waiting.abort()
  }
}

async function startProcess(folder: string, idleSeconds: number): Promise<void> {
  const log = openLog(join(folder, LOG))
  try {
    await new Promise<void>((resolve, reject) => {
      const child = forkModule(import.meta.url, './main', [folder, String(idleSeconds)], {
        detached: true,
        stdio: ['ignore', log, log, 'ipc'],
      })
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        reject(startFailure(folder, `It did not answer within ${START_MS / 1000} seconds.`))
      }, START_MS)
      child.once('exit', (code) => reject(startFailure(folder, `Its process ended with code ${code}.`)))
      child.once('error', (error) => reject(systemError(error, folder)))
      child.once('message', (message: { readonly error?: ErrorRecord }) => {
        if (message.error !== undefined) reject(errorFrom(message.error))
        child.disconnect()
        child.unref()
        resolve()
      })
      child.once('exit', () => clearTimeout(timer))
      child.once('message', () => clearTimeout(timer))
    })
  } finally {
    closeSync(log)
  }
}

function openLog(path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (error) {
    throw systemError(error, path)
  }
}

function startFailure(folder: string, why: string): VivariumError {
  return new VivariumError('unavailable', 'switch-not-started', `The network switch did not start. ${why}`, {
    where: { path: join(folder, LOG) },
    next: 'Look into its log.',
  })
}
