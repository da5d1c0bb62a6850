import { type DiskUse, diskUseOf } from './disk-use.ts'
import type { MachineFile } from './machine-file.ts'
import { portKey } from './networks/index.ts'
import type { Registration } from './registry.ts'
import { type PreparedSpec, prepareSpec } from './run-spec.ts'
import type { Surroundings } from './surroundings.ts'

/** As much of a machine as its next run depends on. */
interface Registered {
  readonly registration: Registration
  readonly file: MachineFile
}

/** What a machine would do if it were turned on now. Reads the disks' chains, changes nothing. */
export class NextRun {
  readonly #machine: Registered
  readonly #around: Surroundings

  constructor(machine: Registered, around: Surroundings) {
    this.#machine = machine
    this.#around = around
  }

  /** What would run, and what stands against it. @throws VivariumError when its file cannot be read. */
  prepare(runFolder = '/run'): PreparedSpec {
    const { networks, undoDisks } = this.#around
    const { id, path, adapterModel, macs } = this.#machine.registration
    const known = networks.list.all()
    return prepareSpec({
      ...{ id, path, adapterModel, macs, runFolder },
      machine: this.#machine.file.machine(),
      undoDisks: undoDisks.list(id),
      roots: this.#around.rootsFor(path),
      switchSocket: (index) => networks.switch.socketOf(portKey(id, index)),
      isNetworkHere: (network) => networks.list.match(network, known) !== undefined,
    })
  }

  /** What it would do with the files of its disks. */
  diskUse(prepared: PreparedSpec): DiskUse {
    const { id, undo } = this.#machine.registration
    const undoPaths = new Set(this.#around.undoDisks.list(id).map(({ path }) => path))
    return diskUseOf(prepared, { fresh: undo, undoPaths })
  }

  /** Every file that it would use; only those of its registration while its own file cannot be read. */
  files(): string[] {
    const { id, path } = this.#machine.registration
    const undo = this.#around.undoDisks.list(id).flatMap((disk) => [disk.path, disk.base])
    return [path, ...undo, ...this.#chains().flat()]
  }

  /** Files that its disks lie on: whoever writes to one of them damages this machine. */
  bases(): string[] {
    const undo = this.#around.undoDisks.list(this.#machine.registration.id).map(({ base }) => base)
    return [...undo, ...this.#chains().flatMap((layers) => layers.slice(1))]
  }

  #chains(): string[][] {
    return this.#machine.file.error === undefined ? this.prepare().drives.map(({ layers }) => layers) : []
  }
}
