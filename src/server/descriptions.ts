import { type ErrorRecord, type Problem, problemFrom, VivariumError } from '../base/index.ts'
import type { MachineReport } from '../machine/index.ts'
import { engineNamed } from './engines.ts'
import type { MachineState } from './machine-state.ts'
import type { AdapterWish, EngineWish } from './registry.ts'
import type { DriveDetails, PreparedSpec } from './run-spec.ts'
import type { Surroundings } from './surroundings.ts'
import type { VirtualMachine } from './virtual-machine.ts'

/** A line of Master Status. */
export interface MachineSummary {
  readonly id: string
  readonly name: string
  readonly path: string
  readonly inLibrary: boolean
  readonly state: MachineState
  readonly memoryMB: number
  readonly engineWish: EngineWish
  readonly engine?: { readonly name: 'v86' | 'qemu'; readonly accelerator: string; readonly reason: string }
  readonly startedAt?: string
  readonly uptimeSeconds: number
  readonly cpuPercent: number
  readonly thumbnail: number
  readonly undo: { readonly enabled: boolean; readonly pending: boolean; readonly sizeBytes: number }
  readonly problems: { readonly errors: number; readonly warnings: number }
  readonly lastError?: ErrorRecord
}

/** The machine's page. */
export interface MachineDetails extends MachineSummary {
  readonly addedAt: string
  readonly adapterModel: AdapterWish
  readonly report?: MachineReport
  readonly drives: DriveDetails[]
  readonly notes: Problem[]
  readonly refusals: ErrorRecord[]
  readonly serialPorts: number
  readonly argv: string[]
}

export function summaryOf(machine: VirtualMachine, around: Surroundings): MachineSummary {
  const { registration, running } = machine
  const report = machine.file.report()
  const count = (severity: Problem['severity']) =>
    report?.problems.filter((problem) => problem.severity === severity).length ?? 0
  const isPending = around.undoDisks.list(machine.id).length > 0
  const startedAt = running?.startedAt
  return {
    id: machine.id,
    name: machine.name,
    path: registration.path,
    inLibrary: around.isInLibrary(registration.path),
    state: machine.state,
    memoryMB: report?.memoryMB ?? 0,
    engineWish: registration.engineWish,
    ...(running !== undefined && {
      engine: { name: running.engine, accelerator: running.accelerator, reason: machine.reason ?? '' },
    }),
    ...(startedAt !== undefined && { startedAt: startedAt.toISOString() }),
    uptimeSeconds: startedAt === undefined ? 0 : Math.round((Date.now() - startedAt.getTime()) / 1000),
    cpuPercent: machine.cpuPercent,
    thumbnail: machine.thumbnailPng === undefined ? 0 : machine.thumbnailVersion,
    undo: {
      enabled: registration.undo,
      pending: isPending,
      sizeBytes: isPending ? around.undoDisks.sizeBytes(machine.id) : 0,
    },
    problems: {
      errors: machine.file.error === undefined ? count('error') : 1,
      warnings: count('warning'),
    },
    ...(machine.lastError !== undefined && { lastError: machine.lastError }),
  }
}

/** Reads the chains of the machine's disks as they are now; changes nothing. */
export async function detailsOf(machine: VirtualMachine, around: Surroundings): Promise<MachineDetails> {
  const summary = summaryOf(machine, around)
  const { registration } = machine
  const base = { ...summary, addedAt: registration.addedAt, adapterModel: registration.adapterModel }
  if (machine.file.error !== undefined) {
    const refusals = [machine.file.error.toJSON()]
    return { ...base, drives: [], notes: [], refusals, serialPorts: 0, argv: [] }
  }
  const prepared = machine.nextRun.prepare()
  const planned = await planOf(machine, prepared, around)
  return {
    ...base,
    ...(planned.engine !== undefined && { engine: planned.engine }),
    report: machine.file.report(),
    drives: prepared.drives.map((drive) => withDisc(drive, machine)),
    notes: [...prepared.notes, ...planned.notes],
    refusals: refusalsOf(machine, prepared, planned, around),
    serialPorts: prepared.spec.serialPorts,
    argv: planned.argv,
  }
}

/** A disc that was changed during this run is told as it is, not as the file says. */
function withDisc(drive: DriveDetails, machine: VirtualMachine): DriveDetails {
  const changed = drive.kind === 'cd' ? machine.discIn(drive.channel, drive.unit) : undefined
  if (changed === undefined) return drive
  const { path: _, ...rest } = drive
  return { ...rest, problems: [], ...(changed.path !== undefined && { path: changed.path }) }
}

interface Planned {
  readonly engine?: MachineDetails['engine']
  readonly notes: Problem[]
  readonly argv: string[]
  readonly refusal?: VivariumError
}

/** The plan of the present run, or of the next one. */
async function planOf(
  machine: VirtualMachine,
  prepared: PreparedSpec,
  around: Surroundings,
): Promise<Planned> {
  if (machine.plan !== undefined) {
    const { plan } = machine
    const engine = { name: plan.engine, accelerator: plan.accelerator, reason: machine.reason ?? '' }
    return { engine, notes: [...plan.notes], argv: [...plan.argv] }
  }
  // Without its disks there is nothing to plan; the refusals say what is missing.
  if (prepared.refusals.length > 0) return { notes: [], argv: [] }
  try {
    const { engine, facts, reason } = await around.engines.choose(
      prepared.spec,
      machine.registration.engineWish,
    )
    const plan = engineNamed(engine.name).plan(prepared.spec, facts)
    return {
      engine: { name: engine.name, accelerator: plan.accelerator, reason },
      notes: [...plan.notes],
      argv: [...plan.argv],
    }
  } catch (error) {
    const problem = problemFrom(error)
    return { notes: [problem], argv: [], refusal: error as VivariumError }
  }
}

function refusalsOf(
  machine: VirtualMachine,
  prepared: PreparedSpec,
  planned: Planned,
  around: Surroundings,
): ErrorRecord[] {
  if (machine.running !== undefined) return []
  const refusals = [...prepared.refusals]
  if (planned.refusal !== undefined) refusals.push(planned.refusal)
  try {
    around.demandFree(machine.id, machine.nextRun.diskUse(prepared))
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
    refusals.push(error)
  }
  return refusals.map((refusal) => refusal.toJSON())
}
