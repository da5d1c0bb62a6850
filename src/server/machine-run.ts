import { VivariumError } from '../base/index.ts'
import type { Plan, RunningMachine } from '../engine/index.ts'
import { Meter } from './meter.ts'
import { Picture } from './picture.ts'

/** One run of a machine: what the engine gave us, and what we measure of it. */
export class MachineRun {
  readonly machine: RunningMachine
  readonly plan: Plan
  /** Why this engine was chosen, for people. */
  readonly reason: string
  readonly picture = new Picture()
  /** Discs changed during this run, by "channel:unit"; undefined = taken out. */
  readonly #discs = new Map<string, string | undefined>()
  readonly #meter = new Meter()

  constructor(machine: RunningMachine, plan: Plan, reason: string) {
    this.machine = machine
    this.plan = plan
    this.reason = reason
  }

  get cpuPercent(): number {
    return this.#meter.percent
  }

  /** Measures, and takes a new picture while the guest can draw one; true when anything shown changed. */
  async observe(): Promise<boolean> {
    const measured = await this.#meter.measure(() => this.machine.cpuSeconds())
    const isDrawing = this.machine.state === 'running'
    const pictured = isDrawing && (await this.picture.refresh(this.machine.consoleSocket))
    return measured || pictured
  }

  /** The disc in a drive, where it was changed during this run. */
  discIn(channel: number, unit: number): { readonly path: string | undefined } | undefined {
    const place = `${channel}:${unit}`
    return this.#discs.has(place) ? { path: this.#discs.get(place) } : undefined
  }

  /** @throws VivariumError kind `unsupported` where the engine cannot. */
  async changeCd(channel: number, unit: number, image: string | undefined): Promise<void> {
    if (this.machine.changeCd === undefined)
      throw unsupported('no-cd-change', `The ${this.machine.engine} engine cannot change discs.`)
    await this.machine.changeCd(channel, unit, image)
    this.#discs.set(`${channel}:${unit}`, image)
  }

  /** @throws VivariumError kind `unsupported` where the engine has none. */
  async pressPowerButton(): Promise<void> {
    if (this.machine.pressPowerButton === undefined) {
      const next = 'Shut the guest down from inside, or turn the machine off.'
      throw unsupported('no-power-button', `The ${this.machine.engine} engine has no power button.`, next)
    }
    await this.machine.pressPowerButton()
  }
}

function unsupported(code: string, message: string, next?: string): VivariumError {
  return new VivariumError('unsupported', code, message, next === undefined ? {} : { next })
}
