import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { VivariumError } from '../../base/index.ts'
import { NBD_ERROR, NbdExport, type NbdFailure } from '../../disk/index.ts'
import {
  FlushSchedule,
  identifyProcess,
  type NbdListener,
  openDiskLayers,
  serveNbd,
} from '../../system/index.ts'
import {
  type Command,
  type DiskFailure,
  type DiskServerStatus,
  FILES,
  type StartOrder,
} from './control-protocol.ts'
import { type ControlServer, serveControl } from './control-server.ts'
import { Lifetime } from './lifetime.ts'
import { writeProtected } from './write-protected.ts'

/** How often the schedule and the lifetime are looked at. */
const TICK_MS = 1000
/** The same failure again within this time is counted, not told: a guest repeats itself very fast. */
const REPEAT_MS = 5000

/** What `log` gets is one line for people. `exit` ends the process. */
export interface Surroundings {
  log(line: string): void
  exit(): void
}

/**
 * The whole of the child process but its start: the disks of one run, open; their NBD socket; the control socket;
 * the clock. Ends by `stop` over the control socket, by `end` (a signal), or when nobody needs it any more.
 */
export class DiskServer {
  readonly #order: StartOrder
  readonly #around: Surroundings
  readonly #exports: NbdExport[] = []
  readonly #schedule = new FlushSchedule(this.#exports)
  readonly #lifetime: Lifetime
  readonly #told = new Map<string, number>()
  #lastFailure: DiskFailure | undefined
  #listener: NbdListener | undefined
  #control: ControlServer | undefined
  #timer: NodeJS.Timeout | undefined

  private constructor(order: StartOrder, around: Surroundings) {
    this.#order = order
    this.#around = around
    this.#lifetime = new Lifetime(identifyProcess(process.ppid), performance.now())
  }

  /** Opens the disks, all or none, and listens. @throws VivariumError with everything closed again. */
  static async open(order: StartOrder, around: Surroundings): Promise<DiskServer> {
    const server = new DiskServer(order, around)
    try {
      await server.#open()
    } catch (error) {
      server.#closeEverything()
      throw error
    }
    return server
  }

  /** Flushes, closes and ends the process. What could not be flushed is in the log. */
  end(why: string): void {
    this.#around.log(`ending: ${why}`)
    const error = this.#closeEverything()
    if (error !== undefined) this.#around.log(`${error.code}: ${error.message}`)
    this.#around.exit()
  }

  async #open(): Promise<void> {
    for (const { name, disk, refuseWrites } of this.#order.exports) {
      const onFailure = (failure: NbdFailure) => this.#report(failure)
      const opened = openDiskLayers(disk)
      const served = refuseWrites === true && !opened.writable ? writeProtected(opened, name) : opened
      this.#exports.push(new NbdExport(name, served, { onFailure }))
    }
    const { runFolder } = this.#order
    this.#listener = await serveNbd(this.#exports, { path: join(runFolder, FILES.disks) })
    this.#control = await serveControl(
      join(runFolder, FILES.control),
      (command) => this.#carryOut(command),
      ({ command }) => command === 'stop' && this.end('told to stop'),
    )
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    for (const { name, disk } of this.#exports)
      this.#around.log(`serving "${name}": ${disk.format}, ${disk.sizeBytes} bytes`)
  }

  #tick(): void {
    this.#schedule.run(() => performance.now())
    const connections = this.#listener!.connections + this.#control!.connections
    if (this.#lifetime.isOver(performance.now(), connections)) this.end('nobody is left to serve')
  }

  #carryOut(command: Command): unknown {
    switch (command.command) {
      case 'status':
        return this.#status()
      case 'watch':
        return this.#watch(command.pid)
      case 'flush':
        for (const disk of this.#exports) disk.flush()
        return undefined
      case 'stop': {
        // Only when it has really stopped may the answer say so; the process ends when the answer is sent.
        const error = this.#closeDisks()
        if (error !== undefined) throw error
        return undefined
      }
    }
  }

  #status(): DiskServerStatus {
    const { watchedPid } = this.#lifetime
    return {
      pid: process.pid,
      connections: this.#listener?.connections ?? 0,
      ...(watchedPid !== undefined && { watchedPid }),
      exports: this.#exports.map(({ name, disk, writable, unflushed, counters }) => ({
        name,
        format: disk.format,
        sizeBytes: disk.sizeBytes,
        writable,
        unflushed,
        counters: { ...counters },
      })),
      ...(this.#lastFailure !== undefined && { lastFailure: this.#lastFailure }),
    }
  }

  #watch(pid: number): void {
    const identity = identifyProcess(pid)
    if (identity === undefined) {
      throw new VivariumError('not-found', 'process-gone', `There is no process ${pid}.`, {
        next: 'Start the machine again.',
      })
    }
    this.#lifetime.watch(identity)
  }

  #report({ errno, error, exportName, request, offset, length }: NbdFailure): void {
    const name = errno === NBD_ERROR.nospc ? 'ENOSPC' : errno === NBD_ERROR.perm ? 'EPERM' : 'EIO'
    const failure = { exportName, request, offset, length, errno: name, error: error.toJSON() } as const
    this.#lastFailure = failure
    const key = `${exportName} ${request} ${error.code}`
    const now = performance.now()
    if (now - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return
    this.#told.set(key, now)
    this.#around.log(`${request} of ${length} bytes at ${offset} of "${exportName}" failed: ${error.message}`)
    this.#control?.broadcast({ event: 'failure', failure })
  }

  #closeEverything(): VivariumError | undefined {
    clearInterval(this.#timer)
    const error = this.#closeDisks()
    this.#control?.close()
    if (this.#control !== undefined) rmSync(join(this.#order.runFolder, FILES.control), { force: true })
    return error
  }

  /** No client can reach a disk that is being closed; the first error is returned, every disk is tried. */
  #closeDisks(): VivariumError | undefined {
    void this.#listener?.close()
    if (this.#listener !== undefined) rmSync(join(this.#order.runFolder, FILES.disks), { force: true })
    let first: VivariumError | undefined
    for (const served of this.#exports.splice(0)) {
      for (const action of [() => served.flush(), () => served.disk.close()]) {
        try {
          action()
        } catch (error) {
          first ??= served.fail('flush', 0, 0, error).error
        }
      }
    }
    return first
  }
}
