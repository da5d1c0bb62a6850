import { existsSync, realpathSync, rmSync } from 'node:fs'
import { dirname, sep } from 'node:path'
import { Events, VivariumError } from '../base/index.ts'
import { systemError } from '../system/index.ts'
import type { MachineSummary } from './descriptions.ts'
import { MachineFile } from './machine-file.ts'
import type { Registration } from './registry.ts'
import { clearRunFolders } from './run-folder.ts'
import type { Surroundings } from './surroundings.ts'
import { VirtualMachine } from './virtual-machine.ts'

const OBSERVE_MILLISECONDS = 2000
/** While nobody watches, pictures would only cost time. */
const OBSERVE_UNWATCHED_MILLISECONDS = 15_000

/** All registered machines. */
export class Machines {
  readonly changed = new Events<{ machines: undefined }>()
  /** How many pages are open; set by the face that knows. */
  watchers = 0
  readonly #around: Surroundings
  readonly #machines = new Map<string, VirtualMachine>()
  #timer: NodeJS.Timeout | undefined
  #observedAt = 0

  constructor(around: Surroundings) {
    this.#around = around
    for (const registration of around.registry.list()) this.#list(registration)
  }

  /** Takes over what an earlier server left running, then keeps an eye on everything. */
  async open(): Promise<void> {
    const kept = await Promise.all(
      this.#around.registry.runs().map(async (record) => {
        const machine = this.#machines.get(record.machineId)
        return machine?.adopt(record)
      }),
    )
    const known = new Set(kept.filter((folder) => folder !== undefined))
    await clearRunFolders(this.#around.runRoot, known)
    const observe = async () => {
      const pause = this.watchers > 0 ? OBSERVE_MILLISECONDS : OBSERVE_UNWATCHED_MILLISECONDS
      if (Date.now() - this.#observedAt >= pause - 100) {
        this.#observedAt = Date.now()
        await Promise.allSettled([...this.#machines.values()].map((machine) => machine.observe()))
      }
      this.#timer = setTimeout(observe, OBSERVE_MILLISECONDS / 2)
      this.#timer.unref()
    }
    await observe()
  }

  async close(keepRunning: boolean): Promise<void> {
    clearTimeout(this.#timer)
    await Promise.allSettled([...this.#machines.values()].map((machine) => machine.leave(keepRunning)))
  }

  summaries(): MachineSummary[] {
    return [...this.#machines.values()].map((machine) => machine.summary())
  }

  all(): VirtualMachine[] {
    return [...this.#machines.values()]
  }

  get(id: string): VirtualMachine {
    const machine = this.#machines.get(id)
    if (machine === undefined) {
      throw new VivariumError('not-found', 'machine-not-found', `There is no machine ${id}.`, {
        next: 'See the list of machines.',
      })
    }
    return machine
  }

  /**
   * Registers an existing machine by the path of its file. It stays where it lies; from outside the library it
   * starts with undo disks, so that looking at it never changes it.
   */
  async add(path: string, wishes: Partial<Pick<Registration, 'adapterModel'>> = {}): Promise<VirtualMachine> {
    const real = resolveMachinePath(path)
    const known = this.#around.registry.findByPath(real)
    if (known !== undefined) {
      throw new VivariumError('conflict', 'machine-registered', `This machine is registered already.`, {
        where: { path: real },
        next: 'It is in the list of machines.',
      })
    }
    const file = new MachineFile(real, () => this.#around.rootsFor(real))
    if (file.error !== undefined) throw file.error
    const inLibrary = this.#around.isInLibrary(real)
    const undo = !inLibrary || file.machine().undoEnabled
    const machine = this.#list(this.#around.registry.add(real, undo, wishes))
    this.#around.events.add({
      severity: 'info',
      source: 'machine',
      code: 'machine-added',
      message: `"${machine.name}" was added.`,
      machineId: machine.id,
      machineName: machine.name,
    })
    this.changed.emit('machines', undefined)
    return machine
  }

  /** Unregisters a machine that is off. Its files stay, unless it lies in the library and they are to go. */
  async remove(id: string, deleteFiles: boolean): Promise<void> {
    const machine = this.get(id)
    if (machine.state !== 'TurnedOff' && machine.state !== 'Invalid') {
      throw new VivariumError('conflict', 'machine-in-use', `"${machine.name}" is in use.`, {
        next: 'Turn it off first.',
      })
    }
    const { path } = machine.registration
    if (deleteFiles && !this.#around.isInLibrary(path)) {
      throw new VivariumError(
        'denied',
        'not-in-library',
        'Only machines in the library can be deleted with their files.',
        {
          where: { path },
          next: 'Remove it from the list, and delete the files yourself.',
        },
      )
    }
    if (deleteFiles) this.#demandAlone(machine, dirname(path))
    this.#around.undoDisks.discard(id)
    this.#around.registry.remove(id)
    this.#machines.delete(id)
    if (deleteFiles) rmSync(dirname(path), { recursive: true, force: true })
    this.#around.events.add({
      severity: 'info',
      source: 'machine',
      code: 'machine-removed',
      message: `"${machine.name}" was removed${deleteFiles ? ', with its files' : ''}.`,
    })
    this.changed.emit('machines', undefined)
  }

  /** Nothing of another machine may lie in a folder that is deleted. */
  #demandAlone(machine: VirtualMachine, folder: string): void {
    for (const other of this.all()) {
      if (other.id === machine.id) continue
      const inside = other.nextRun.files().find((path) => path.startsWith(`${folder}${sep}`))
      if (inside === undefined) continue
      throw new VivariumError(
        'conflict',
        'folder-shared',
        `A file of "${other.name}" lies in the same folder.`,
        {
          where: { path: inside },
          next: 'Remove the machine from the list without its files, and delete them yourself.',
        },
      )
    }
  }

  #list(registration: Registration): VirtualMachine {
    const file = new MachineFile(registration.path, () => this.#around.rootsFor(registration.path))
    const machine = new VirtualMachine(registration, file, this.#around)
    machine.changed.on('machine', () => this.changed.emit('machines', undefined))
    this.#machines.set(registration.id, machine)
    return machine
  }
}

function resolveMachinePath(path: string): string {
  const text = path.trim().replace(/^"(.*)"$/, '$1')
  if (/^[a-z]:\\|^\\\\/i.test(text) && !existsSync(text)) {
    throw new VivariumError(
      'invalid',
      'windows-path',
      'This is a Windows path; the server runs on another system.',
      {
        where: { path: text },
        next: 'Copy the machine to this computer and give its path here.',
      },
    )
  }
  if (!text.startsWith('/')) {
    throw new VivariumError('invalid', 'path-not-absolute', 'The full path is needed.', {
      where: { path: text },
      next: 'Begin it with "/".',
    })
  }
  try {
    return realpathSync(text)
  } catch (error) {
    throw systemError(error, text)
  }
}
