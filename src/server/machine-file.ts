import { statSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { VivariumError } from '../base/index.ts'
import { type Machine, type MachineReport, readVmc } from '../machine/index.ts'
import { inspectMachineFile, readMachineFile, systemError } from '../system/index.ts'

/** A machine's own file, read again whenever it changed on the disk: somebody else may edit it at any time. */
export class MachineFile {
  readonly path: string
  readonly #roots: () => readonly string[]
  #stamp = ''
  #machine: Machine | undefined
  #report: MachineReport | undefined
  #error: VivariumError | undefined

  constructor(path: string, roots: () => readonly string[]) {
    this.path = path
    this.#roots = roots
  }

  /** A machine is called as its file is (formats.md 2.9: name = VMC file name). */
  get name(): string {
    return basename(this.path, extname(this.path))
  }

  get error(): VivariumError | undefined {
    this.#refresh()
    return this.#error
  }

  /** @throws VivariumError when the file is gone or unreadable. */
  machine(): Machine {
    this.#refresh()
    if (this.#machine === undefined) throw this.#error
    return this.#machine
  }

  /** The inspection as of the last change; undefined while the file is unreadable. */
  report(): MachineReport | undefined {
    this.#refresh()
    return this.#report
  }

  #refresh(): void {
    try {
      const facts = statSync(this.path)
      const stamp = `${facts.mtimeMs}:${facts.size}:${facts.ino}`
      if (stamp === this.#stamp) return
      this.#stamp = stamp
      const { document } = readMachineFile(this.path)
      this.#machine = readVmc(document, this.name).machine
      const report = inspectMachineFile(this.path, { roots: this.#roots() })
      if (report.kind !== 'machine') throw notAMachine(this.path)
      this.#report = report
      this.#error = undefined
    } catch (error) {
      this.#machine = undefined
      this.#report = undefined
      this.#error = error instanceof VivariumError ? error : systemError(error, this.path)
      if (this.#error.kind === 'not-found') this.#stamp = ''
    }
  }
}

function notAMachine(path: string): VivariumError {
  return new VivariumError('invalid', 'not-a-machine', 'It is not a machine file.', {
    where: { path },
    next: 'Name the .vmc file of a machine.',
  })
}
