import { join } from 'node:path'
import { describeError, MiB, type Problem, VivariumError } from '../../../base/index.ts'
import type { RunSpec } from '../../engine.ts'
import { type RfbServer, serveRfb } from '../../rfb/index.ts'
import { Adapters } from './adapters.ts'
import { Drives } from './drives.ts'
import { createEmulator, type Emulator } from './emulator.ts'
import { FILES, type Message } from './messages.ts'
import { repairInterruptCascade } from './pic-repair.ts'
import { watchPower } from './power.ts'
import { Screen } from './screen.ts'
import { SerialPort } from './serial-port.ts'
import { SilentSpeaker } from './sound.ts'

type Report = (message: Exclude<Message, { kind: 'answer' }>) => void

/**
 * A whole PC: the emulator, and around it what outlives one emulator (a triple fault costs the emulator): drives,
 * cables, serial ports, monitor and keyboard.
 */
export class Machine {
  readonly #spec: RunSpec
  readonly #report: Report
  readonly #screen = new Screen()
  readonly #speaker = new SilentSpeaker()
  readonly #drives: Drives
  #adapters: Adapters | undefined
  #serialPorts: SerialPort[] = []
  #rfb: RfbServer | undefined
  #emulator: Emulator | undefined
  #resetByHost: () => void = () => {}
  #state: 'running' | 'paused' | 'off' = 'running'
  #closing: Promise<void> | undefined

  private constructor(spec: RunSpec, report: Report) {
    this.#spec = spec
    this.#report = report
    this.#drives = new Drives(spec.drives, spec.floppies, (error) => this.#hostFailed(error))
  }

  /** Opens everything and lets the machine boot. @throws VivariumError with everything closed again. */
  static async start(spec: RunSpec, report: Report): Promise<Machine> {
    const machine = new Machine(spec, report)
    try {
      await machine.#connect()
      await machine.#boot()
    } catch (error) {
      await machine.close()
      throw error
    }
    return machine
  }

  async pause(): Promise<void> {
    if (this.#state !== 'running') return
    this.#state = 'paused'
    await this.#emulator?.stop()
    this.#report({ kind: 'state', state: 'paused' })
  }

  /** Goes on; what the host refused before is tried again first, and may stop the machine again. */
  async resume(): Promise<void> {
    if (this.#state !== 'paused') return
    this.#state = 'running'
    this.#report({ kind: 'state', state: 'running' })
    this.#drives.retry()
    if (this.#isRunning()) await this.#emulator?.run()
  }

  async reset(): Promise<void> {
    this.#resetByHost()
    this.#report({ kind: 'reset', by: 'host' })
    await this.resume()
  }

  /** @throws VivariumError `not-found` where there is no such CD drive, or about the image. */
  changeCd(channel: number, unit: number, image: string | undefined): void {
    const drive = this.#spec.drives.find((entry) => entry.channel === channel && entry.unit === unit)
    if (drive?.kind !== 'cd') {
      throw new VivariumError(
        'not-found',
        'cd-drive-missing',
        `There is no CD drive at IDE ${channel}:${unit}.`,
        { next: 'Name a drive that the machine has.' },
      )
    }
    this.#drives.changeCd(channel, unit, image)
  }

  /**
   * Stops, flushes and lets go of everything. Failures are reported, not thrown. A crashed emulator never tells that
   * it has stopped, so it is not waited for.
   */
  close(crashed = false): Promise<void> {
    this.#closing ??= this.#close(crashed)
    return this.#closing
  }

  async #close(crashed: boolean): Promise<void> {
    this.#state = 'off'
    this.#speaker.stop()
    this.#screen.stop()
    if (!crashed) await this.#emulator?.stop()
    this.#adapters?.close()
    for (const error of this.#drives.close()) this.#report({ kind: 'problem', problem: notClosed(error) })
    await Promise.all([this.#rfb?.close(), ...this.#serialPorts.map((port) => port.close())])
  }

  async #connect(): Promise<void> {
    const { runFolder, serialPorts, name, adapters } = this.#spec
    for (const index of [0, 1] as const)
      if (index < serialPorts) this.#serialPorts.push(await SerialPort.open(index, runFolder))
    const bus = () => this.#emulator?.bus
    this.#rfb = await serveRfb({
      socketPath: join(runFolder, FILES.console),
      name,
      screen: this.#screen,
      keyboard: (bytes) => {
        for (const byte of bytes) bus()?.send('keyboard-code', byte)
      },
      pointer: {
        // A guest with VMware's mouse driver takes the place; the movement is what wakes its driver up.
        place: (x, y, width, height) => bus()?.send('mouse-absolute', [x, y, width, height]),
        move: (dx, dy) => bus()?.send('mouse-delta', [dx, -dy]),
        buttons: (left, middle, right) => bus()?.send('mouse-click', [left, middle, right]),
        wheel: (notch) => bus()?.send('mouse-wheel', [notch, 0]),
      },
    })
    this.#adapters = new Adapters(adapters)
  }

  async #boot(): Promise<void> {
    const { memoryMB, videoMemoryMB, serialPorts, adapters, floppies } = this.#spec
    const emulator = await createEmulator({
      memoryBytes: memoryMB * MiB,
      videoMemoryBytes: videoMemoryMB * MiB,
      secondSerialPort: serialPorts > 1,
      network: Adapters.networkFor(adapters),
    })
    repairInterruptCascade(emulator.v86.cpu)
    const power = watchPower(emulator, {
      off: () => this.#guestOff(),
      reset: () => this.#report({ kind: 'reset', by: 'guest' }),
      tripleFault: () => void this.#startOver(),
    })
    this.#resetByHost = power.resetByHost
    this.#drives.attach(emulator, floppies)
    this.#adapters!.attach(emulator)
    this.#screen.attach(emulator)
    this.#speaker.attach(emulator)
    for (const port of this.#serialPorts) port.attach(emulator)
    this.#emulator = emulator
    this.#screen.start()
    // A triple fault may come just before a pause.
    if (this.#isRunning()) await emulator.run()
  }

  /** Another emulator takes the place of one that a triple fault has ended. */
  async #startOver(): Promise<void> {
    if (this.#state === 'off') return
    this.#emulator = undefined
    this.#speaker.stop()
    this.#report({ kind: 'reset', by: 'guest' })
    await this.#boot()
  }

  #isRunning(): boolean {
    return this.#state === 'running'
  }

  #guestOff(): void {
    if (this.#state !== 'running') return
    this.#state = 'off'
    this.#report({ kind: 'guest-off' })
  }

  /** The host cannot read or write: the machine waits, as under Virtual Server, until somebody has helped. */
  #hostFailed(error: VivariumError): void {
    // While it waits, one report is enough.
    if (this.#state === 'paused') return
    const problem = this.#state === 'off' ? notClosed(error) : pausedByDrive(error)
    this.#report({ kind: 'problem', problem })
    void this.pause()
  }
}

function pausedByDrive(error: VivariumError): Problem {
  const { path, offset } = error.where
  return {
    code: 'paused-by-disk',
    severity: 'error',
    message: `The machine is paused, because a drive of it failed: ${describeError(error)}`,
    next: 'Then resume the machine: what failed is tried again.',
    where: { ...(path !== undefined && { path }), ...(offset !== undefined && { offset }) },
  }
}

function notClosed(error: unknown): Problem {
  const message = `What the guest wrote last is not on its drive: ${describeError(error)}`
  return { code: 'drive-not-closed', severity: 'error', message }
}
