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
  readonly discs = new Map<string, string | undefined>()
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
}
