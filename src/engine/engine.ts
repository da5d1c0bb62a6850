import type { Events, Problem, VivariumError } from '../base/index.ts'

/**
 * What runs a machine. Order of calls: `survey` (effects, cheap, cached by the caller) -> `plan` (pure) ->
 * `start` (the only effect) or `adopt` (after a restart of the server). `start` resolves when the machine has
 * BEGUN to boot. A crash of the engine is an `error` event followed by `stopped`, never an exception elsewhere.
 */
export type EngineName = 'v86' | 'qemu'
export type AdapterModel = 'tulip' | 'ne2k' | 'pcnet' | 'rtl8139' | 'e1000' | 'virtio'

export interface Accelerator {
  readonly name: 'kvm' | 'tcg' | 'wasm'
  readonly usable: boolean
  /** One sentence: the proof that it works, or why it does not. */
  readonly reason: string
}

export interface EngineFacts {
  readonly name: EngineName
  readonly available: boolean
  readonly version?: string
  /** The program that would run, full path; absent for an embedded engine. */
  readonly program?: string
  /** One sentence for people: what it is, or what is missing and how to install it. */
  readonly reason: string
  readonly accelerators: readonly Accelerator[]
  readonly adapterModels: readonly AdapterModel[]
  readonly limits: { readonly memoryMB: number; readonly drives: number; readonly adapters: number }
}

/** A virtual disk as an engine gets it: the exact files of the chain, topmost first, already resolved. */
export interface DiskLayers {
  readonly layers: readonly string[]
  /** False: the topmost layer is opened read-only and the guest's writes fail. */
  readonly writable: boolean
}

export interface RunDrive {
  readonly channel: 0 | 1
  readonly unit: 0 | 1
  readonly kind: 'disk' | 'cd'
  /** For a disk. */
  readonly disk?: DiskLayers
  /** For a CD: an ISO image; absent = the drive is empty. */
  readonly image?: string
}

export interface RunFloppy {
  readonly index: 0 | 1
  readonly image?: string
  readonly writable: boolean
}

export interface RunAdapter {
  readonly index: number
  readonly mac: string
  readonly model: AdapterModel | 'auto'
  /** Unix socket of a switch port that speaks 32-bit big-endian length + frame; absent = cable unplugged. */
  readonly switchSocket?: string
}

/** Everything an engine needs, every path absolute and checked. */
export interface RunSpec {
  readonly id: string
  readonly name: string
  /** A folder of this run alone, mode 0700, path short enough for Unix sockets (under 60 bytes). */
  readonly runFolder: string
  readonly memoryMB: number
  readonly videoMemoryMB: number
  readonly drives: readonly RunDrive[]
  readonly floppies: readonly RunFloppy[]
  readonly adapters: readonly RunAdapter[]
  /** How many serial ports (0 to 2); each is a Unix socket, and its output is also kept in serialN.log. */
  readonly serialPorts: number
  readonly sound: boolean
  readonly biosGuid?: string
  readonly accelerator: 'auto' | 'kvm' | 'tcg'
}

export interface Plan {
  readonly engine: EngineName
  readonly accelerator: Accelerator['name']
  readonly spec: RunSpec
  /** The command line that will run; empty for an embedded engine. */
  readonly argv: readonly string[]
  /** What the guest will not find as it was, for people. */
  readonly notes: readonly Problem[]
}

export type RunState = 'running' | 'paused' | 'stopped'

export interface RunEvents {
  state: RunState
  /** The guest asked for a reset or was reset. */
  reset: { readonly by: 'guest' | 'host' }
  /** The guest switched itself off; a `state: stopped` follows. */
  'guest-off': undefined
  /** The engine failed; a `state: stopped` follows. */
  error: VivariumError
  /** Something happened to the machine that lives on: a full host disk paused it, a disk has bad blocks. */
  problem: Problem
}

/** A machine that is running now. `state` is also available as a value; every change is an event. */
export interface RunningMachine {
  readonly engine: EngineName
  readonly accelerator: Accelerator['name']
  readonly state: RunState
  readonly startedAt: Date
  readonly events: Events<RunEvents>
  /** Unix socket that speaks RFB (VNC) 3.8, security type None; private to this user by its folder's mode. */
  readonly consoleSocket: string
  readonly serialSockets: readonly string[]
  pause(): Promise<void>
  resume(): Promise<void>
  reset(): Promise<void>
  /** Pulls the plug: flushes the disks, ends every process of this run, resolves when they are gone. */
  turnOff(): Promise<void>
  /** Presses the ACPI power button; present where the engine can. */
  pressPowerButton?(): Promise<void>
  /** Puts another ISO in the CD drive at (channel, unit), or takes it out. Present where the engine can. */
  changeCd?(channel: number, unit: number, image: string | undefined): Promise<void>
  /** CPU seconds that the processes of this run have used so far; for the percentage on the status page. */
  cpuSeconds(): Promise<number>
  /** What `adopt` needs to find it again; JSON, written to disk by the server. Absent: dies with the server. */
  readonly adoption?: unknown
  /** Lets go without stopping (the server is being restarted). Only with `adoption`. */
  detach?(): Promise<void>
}

export interface Engine {
  readonly name: EngineName
  survey(): Promise<EngineFacts>
  /** PURE. @throws VivariumError kind `unsupported` where this engine cannot run the machine at all. */
  plan(spec: RunSpec, facts: EngineFacts): Plan
  start(plan: Plan): Promise<RunningMachine>
  /** Finds a run of an earlier server; undefined when it is gone. */
  adopt?(plan: Plan, adoption: unknown): Promise<RunningMachine | undefined>
}
