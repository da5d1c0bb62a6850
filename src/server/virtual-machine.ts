import { type ErrorRecord, Events, VivariumError } from '../base/index.ts'
import { type Plan, type RunningMachine, typeKeys } from '../engine/index.ts'
import type { PortSettings } from '../network/index.ts'
import { detailsOf, type MachineDetails, type MachineSummary, summaryOf } from './descriptions.ts'
import { engineNamed } from './engines.ts'
import type { MachineFile } from './machine-file.ts'
import { MachineLog } from './machine-log.ts'
import { MachineRun } from './machine-run.ts'
import { demandState, type MachineState } from './machine-state.ts'
import { keepMachine, type MachineAdapter, plugMachine, unplugMachine } from './networks/index.ts'
import { NextRun } from './next-run.ts'
import { Picture } from './picture.ts'
import type { Registration, RunRecord } from './registry.ts'
import { makeRunFolder, removeRunFolder } from './run-folder.ts'
import type { PreparedSpec } from './run-spec.ts'
import type { Surroundings } from './surroundings.ts'

export type UndoChoice = 'keep' | 'discard' | 'commit'

/** What can be changed of a registration; absent or undefined = as it is. */
export type Changes = { [Name in 'engineWish' | 'adapterModel' | 'undo']?: Registration[Name] | undefined }

/**
 * The life of one registered machine. Every command checks the state first and says why it refuses; what the
 * engine reports turns into state, events and pictures here.
 */
export class VirtualMachine {
  readonly changed = new Events<{ machine: undefined }>()
  readonly file: MachineFile
  readonly nextRun: NextRun
  registration: Registration
  readonly #around: Surroundings
  readonly #log: MachineLog
  #state: Exclude<MachineState, 'Invalid'> = 'TurnedOff'
  #run: MachineRun | undefined
  #starting: Promise<unknown> = Promise.resolve()
  #lastError: ErrorRecord | undefined

  constructor(registration: Registration, file: MachineFile, around: Surroundings) {
    this.registration = registration
    this.file = file
    this.#around = around
    this.nextRun = new NextRun(this, around)
    this.#log = new MachineLog(this, around.events)
  }

  get id(): string {
    return this.registration.id
  }

  get name(): string {
    return this.file.name
  }

  get running(): RunningMachine | undefined {
    return this.#run?.machine
  }

  /** What is in a CD drive now, where it was changed during this run. */
  discIn(channel: number, unit: number): { readonly path: string | undefined } | undefined {
    return this.#run?.discIn(channel, unit)
  }

  /** The plan of the present run. */
  get plan(): Plan | undefined {
    return this.#run?.plan
  }

  get reason(): string | undefined {
    return this.#run?.reason
  }

  get state(): MachineState {
    return this.#state === 'TurnedOff' && this.file.error !== undefined ? 'Invalid' : this.#state
  }

  get lastError(): ErrorRecord | undefined {
    return this.#lastError
  }

  get cpuPercent(): number {
    return this.#run?.cpuPercent ?? 0
  }

  get thumbnailPng(): Uint8Array | undefined {
    return this.#run?.picture.png
  }

  get thumbnailVersion(): number {
    return this.#run?.picture.version ?? 0
  }

  summary(): MachineSummary {
    return summaryOf(this, this.#around)
  }

  details(): Promise<MachineDetails> {
    return detailsOf(this, this.#around)
  }

  /** Changes what a next start does. @throws `conflict` when it cannot be changed now. */
  change(changes: Changes): this {
    if (changes.undo !== undefined && changes.undo !== this.registration.undo) {
      demandState(this, ['TurnedOff'], 'change the undo setting of')
      if (!changes.undo && this.#around.undoDisks.list(this.id).length > 0) {
        throw new VivariumError('conflict', 'undo-pending', `"${this.name}" has undo disks with changes.`, {
          next: 'Commit or discard them first.',
        })
      }
    }
    const { registration } = this
    this.#register({
      engineWish: changes.engineWish ?? registration.engineWish,
      adapterModel: changes.adapterModel ?? registration.adapterModel,
      undo: changes.undo ?? registration.undo,
    })
    return this
  }

  /** Its network adapters. @throws VivariumError when its file cannot be read. */
  adapters(): MachineAdapter[] {
    const { macs, ports } = this.registration
    return this.file.machine().adapters.map(({ index, mac = macs[index], network }) => {
      return { index, ...(mac !== undefined && { mac }), network, settings: ports[index] ?? {} }
    })
  }

  /** Settings of an adapter's port on the switch. */
  changePort(index: number, settings: PortSettings): void {
    this.#register({ ports: { ...this.registration.ports, [index]: settings } })
  }

  /** Resolves when the machine has begun to boot. */
  async start(): Promise<this> {
    if (this.state === 'Invalid') throw this.file.error
    demandState(this, ['TurnedOff'], 'turn on')
    this.#enter('TurningOn')
    this.#lastError = undefined
    const boot = this.#boot()
    this.#starting = boot
    return boot
  }

  async #boot(): Promise<this> {
    let runFolder: string | undefined
    let machine: RunningMachine | undefined
    try {
      runFolder = makeRunFolder(this.#around.runRoot, this.id)
      const spec = this.#prepareDisks(runFolder)
      await plugMachine(this.#around.networks, this)
      const { engine, facts, reason } = await this.#around.engines.choose(spec, this.registration.engineWish)
      const plan = engine.plan(spec, facts)
      machine = await engine.start(plan)
      this.#attach(machine, plan, reason)
      this.#log.add('info', 'machine-started', `"${this.name}" was turned on: ${reason}`)
    } catch (error) {
      // What runs and cannot be remembered (a full disk) would be lost at the next start of the server.
      await machine?.turnOff().catch(() => undefined)
      this.#run = undefined
      unplugMachine(this.#around.networks, this.id)
      if (runFolder !== undefined) removeRunFolder(runFolder)
      this.#fail(error, 'machine-start-failed', `"${this.name}" could not be turned on`)
      this.#enter('TurnedOff')
      throw error
    }
    return this
  }

  async pause(): Promise<this> {
    await this.#runningIn(['Running'], 'pause').pause()
    return this
  }

  async resume(): Promise<this> {
    await this.#runningIn(['Paused'], 'resume').resume()
    return this
  }

  async reset(): Promise<this> {
    await this.#runningIn(['Running', 'Paused'], 'reset').reset()
    this.#log.add('info', 'machine-reset', `"${this.name}" was reset.`)
    return this
  }

  async shutDown(): Promise<this> {
    await this.#runIn(['Running'], 'shut down').pressPowerButton()
    return this
  }

  /** Pulls the plug, and then does with the undo disks what was chosen. */
  async turnOff(undo: UndoChoice = 'keep'): Promise<this> {
    const machine = this.#runningIn(['Running', 'Paused'], 'turn off')
    this.#enter('TurningOff')
    try {
      await machine.turnOff()
      this.#log.add('info', 'machine-turned-off', `"${this.name}" was turned off.`)
    } catch (error) {
      // It is off all the same, but its last writes may not be on the disk: nothing is committed then.
      this.#fail(error, 'machine-turn-off-failed', `"${this.name}" was turned off, but not cleanly`)
      throw error
    } finally {
      this.#detach()
    }
    if (undo === 'discard') this.discardUndo()
    if (undo === 'commit') this.commitUndo()
    return this
  }

  discardUndo(): this {
    demandState(this, ['TurnedOff'], 'discard the undo disks of')
    this.#around.undoDisks.discard(this.id)
    this.#log.add('info', 'undo-discarded', `The undo disks of "${this.name}" were discarded.`)
    this.#announce()
    return this
  }

  /** Starts the task that writes the undo disks into the machine's own; answers its id. */
  commitUndo(): string {
    demandState(this, ['TurnedOff'], 'commit the undo disks of')
    if (this.#around.undoDisks.list(this.id).length === 0) {
      throw new VivariumError('conflict', 'no-undo-disks', `"${this.name}" has no undo disks.`)
    }
    const written = this.#around.undoDisks.list(this.id).map(({ base }) => base)
    this.#around.demandFree(this.id, { written, read: [] })
    this.#enter('MergingDrives')
    const task = { kind: 'commit-undo', title: `Commit the undo disks of ${this.name}`, machineId: this.id }
    const { id, result } = this.#around.tasks.start(task, (control) =>
      this.#around.undoDisks.commit(this.id, this.#around.rootsFor(this.registration.path), control),
    )
    result
      .then(
        () => this.#log.add('info', 'undo-committed', `The undo disks of "${this.name}" were committed.`),
        (error) =>
          this.#fail(error, 'undo-commit-failed', `The undo disks of "${this.name}" were not committed`),
      )
      .finally(() => this.#enter('TurnedOff'))
    return id
  }

  async changeCd(channel: number, unit: number, image: string | undefined): Promise<void> {
    await this.#runIn(['Running', 'Paused'], 'change the CD of').changeCd(channel, unit, image)
    this.#announce()
  }

  async type(input: { text?: string | undefined; keys?: string | undefined }): Promise<void> {
    const { consoleSocket } = this.#runningIn(['Running'], 'type into')
    if (input.text !== undefined) await typeKeys(consoleSocket, { text: input.text })
    if (input.keys !== undefined) await typeKeys(consoleSocket, { keys: input.keys })
  }

  screenPng(): Promise<Uint8Array> {
    return Picture.grab(this.#runningIn(['Running', 'Paused'], 'photograph').consoleSocket)
  }

  /** Takes a run of an earlier server over, or says that it is gone. Answers the run folder that is still in use. */
  async adopt(record: RunRecord): Promise<string | undefined> {
    const plan = record.plan as Plan
    let machine: RunningMachine | undefined
    try {
      machine =
        record.adoption === null ? undefined : await engineNamed(plan.engine).adopt?.(plan, record.adoption)
    } catch (error) {
      // It is there and does not answer. It is left alone: the next start of the server asks it again.
      this.#fail(error, 'machine-not-adopted', `"${this.name}" runs, but does not answer`)
      return plan.spec.runFolder
    }
    if (machine === undefined) {
      this.#around.registry.removeRun(this.id)
      unplugMachine(this.#around.networks, this.id)
      removeRunFolder(plan.spec.runFolder)
      this.#log.add(
        'warning',
        'machine-lost',
        `"${this.name}" was running when the server stopped; it is turned off now.`,
      )
      return undefined
    }
    this.#attach(machine, plan, record.reason)
    if (this.file.error === undefined) keepMachine(this.#around.networks, this)
    this.#log.add('info', 'machine-adopted', `"${this.name}" went on running while the server was away.`)
    return plan.spec.runFolder
  }

  /** Measures, and takes a new picture; called every few seconds by the server. */
  async observe(): Promise<void> {
    const run = this.#run
    if (run === undefined || this.#state === 'TurningOff') return
    if (await run.observe()) this.#announce()
  }

  /** The server goes: leave running what can be adopted later, and turn off the rest. */
  async leave(keepRunning: boolean): Promise<void> {
    await this.#starting.catch(() => undefined)
    const run = this.#run
    if (run === undefined || this.#state === 'TurningOff') return
    if (keepRunning && run.machine.detach !== undefined) return run.machine.detach()
    await this.turnOff('keep')
  }

  /** Refuses, or makes the disks ready: puts undo disks on top where they are enabled and missing. */
  #prepareDisks(runFolder: string): PreparedSpec['spec'] {
    const first = this.nextRun.prepare(runFolder)
    if (first.refusals.length > 0) throw first.refusals[0]
    this.#around.demandFree(this.id, this.nextRun.diskUse(first))
    this.#rememberMacs(first.macs)
    if (!this.registration.undo) return first.spec
    this.#around.undoDisks.cover(this.registration, this.name, first.drives)
    return this.nextRun.prepare(runFolder).spec
  }

  #rememberMacs(macs: Registration['macs']): void {
    if (Object.keys(macs).length > Object.keys(this.registration.macs).length) this.#register({ macs })
  }

  /** Kept on the disk before anybody is told. */
  #register(changes: Partial<Registration>): void {
    const registration = { ...this.registration, ...changes }
    this.#around.registry.change(registration)
    this.registration = registration
    this.#announce()
  }

  #attach(machine: RunningMachine, plan: Plan, reason: string): void {
    this.#run = new MachineRun(machine, plan, reason)
    this.#around.registry.addRun({ machineId: this.id, plan, adoption: machine.adoption, reason })
    machine.events.on('error', (error) => this.#fail(error, 'engine-error', `"${this.name}" stopped working`))
    this.#log.follow(machine)
    machine.events.on('state', () => this.#follow(machine))
    this.#follow(machine)
  }

  #follow(machine: RunningMachine): void {
    if (machine !== this.#run?.machine || this.#state === 'TurningOff') return
    if (machine.state === 'stopped') this.#detach()
    else this.#enter(machine.state === 'paused' ? 'Paused' : 'Running')
  }

  #detach(): void {
    if (this.#run === undefined) return
    const { runFolder } = this.#run.plan.spec
    this.#run = undefined
    unplugMachine(this.#around.networks, this.id)
    this.#enter('TurnedOff')
    removeRunFolder(runFolder)
    this.#around.registry.removeRun(this.id)
  }

  #enter(state: Exclude<MachineState, 'Invalid'>): void {
    this.#state = state
    this.#announce()
  }

  #announce(): void {
    this.changed.emit('machine', undefined)
  }

  #fail(error: unknown, code: string, what: string): void {
    this.#lastError = this.#log.addFailure(error, code, what)
    this.#announce()
  }

  #runIn(states: readonly MachineState[], verb: string): MachineRun {
    demandState(this, states, verb)
    return this.#run!
  }

  #runningIn(states: readonly MachineState[], verb: string): RunningMachine {
    return this.#runIn(states, verb).machine
  }
}
