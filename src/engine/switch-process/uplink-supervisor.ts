import type { ChildProcess } from 'node:child_process'
import type { NetworkEvent } from '../../network/index.ts'

/** What leads out of a network, beside its machines. */
export interface Uplink {
  status(): UplinkStatus
  close(): void
}

export interface UplinkStatus {
  readonly kind: 'nat' | 'tap' | 'bridge' | 'hostOnly'
  readonly isUp: boolean
  /** Of the tap device. */
  readonly interface?: string
  readonly pid?: number
  /** How often its process was started anew. */
  readonly restarts: number
  /** Why it is down. */
  readonly problem?: string
  readonly next?: string
}

/**
 * Keeps the process of an uplink running: one that ends is started again, after one second at first and a minute at
 * last. People are told when it goes down, and when it is up again, not of every try.
 */

interface Failure {
  readonly message: string
  readonly next?: string
}

const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 60_000
/** One that lasted so long has worked. */
const STEADY_MS = 10_000
const ERROR_BYTES = 4096

export class UplinkSupervisor {
  readonly #program: string
  readonly #start: () => ChildProcess
  readonly #tell: (event: NetworkEvent) => void
  #child: ChildProcess | undefined
  #timer: NodeJS.Timeout | undefined
  #waitMs = FIRST_WAIT_MS
  #restarts = 0
  #problem: Failure | undefined
  #isUp = false
  #isClosed = false

  constructor(program: string, start: () => ChildProcess, tell: (event: NetworkEvent) => void) {
    this.#program = program
    this.#start = start
    this.#tell = tell
    this.#run()
  }

  status(): Pick<UplinkStatus, 'isUp' | 'pid' | 'restarts' | 'problem' | 'next'> {
    const pid = this.#child?.pid
    return {
      isUp: this.#isUp,
      ...(pid !== undefined && { pid }),
      restarts: this.#restarts,
      ...(this.#problem && { problem: this.#problem.message }),
      ...(this.#problem?.next !== undefined && { next: this.#problem.next }),
    }
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#child?.kill()
  }

  #run(): void {
    const child = this.#start()
    let said = ''
    let why: Failure | undefined
    // Our own processes say what is wrong as an error record, and when they work.
    child.on('message', (message: { readonly error?: Failure }) => {
      why = message.error
      if (why === undefined) {
        this.#isUp = true
        this.#steady()
      }
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk).slice(-ERROR_BYTES)
    })
    child.once('error', (error: NodeJS.ErrnoException) =>
      this.#ended(error.code === 'ENOENT' ? this.#missing() : this.#failure(error.message)),
    )
    // `close`, not `exit`: what it said last has been read by then.
    child.once('close', (code, signal) => {
      if (child.pid !== undefined)
        this.#ended(why ?? this.#failure(lastLine(said) ?? `ended with ${signal ?? code}`))
    })
    if (child.pid === undefined) return
    this.#child = child
    this.#isUp = child.channel === undefined || child.channel === null
    this.#timer = setTimeout(() => this.#steady(), STEADY_MS)
    this.#timer.unref()
  }

  #steady(): void {
    this.#waitMs = FIRST_WAIT_MS
    if (this.#problem === undefined) return
    this.#problem = undefined
    this.#tell({ severity: 'info', code: 'uplink-up', message: 'The uplink of the network works again.' })
  }

  #ended(problem: Failure): void {
    this.#child = undefined
    this.#isUp = false
    clearTimeout(this.#timer)
    if (this.#isClosed) return
    if (this.#problem === undefined) this.#tell(downEvent(problem))
    this.#problem = problem
    this.#timer = setTimeout(() => {
      this.#restarts++
      this.#run()
    }, this.#waitMs)
    this.#timer.unref()
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS)
  }

  #missing() {
    return {
      message: `The uplink of the network needs the program ${this.#program}, and it is not here.`,
      next: `Install the package ${this.#program}, or choose another uplink.`,
    }
  }

  #failure(reason: string) {
    const taken = takenPort(reason)
    const why = taken === undefined ? `${this.#program} ${reason}` : `port ${taken} of this computer is taken`
    return {
      message: `The uplink of the network is down: ${why}.`,
      next:
        taken === undefined
          ? 'It is started again by itself; if that does not help, change the uplink of the network.'
          : 'End the program that listens there, or forward another port. It is tried again by itself.',
    }
  }
}

/** passt ends when it cannot bind one: "Failed to bind any port for '-t 8080', exiting". */
function takenPort(reason: string): string | undefined {
  return /Failed to bind any port for '-[tu] (?:[^'/]*\/)?(\d+)/.exec(reason)?.[1]
}

function downEvent({ message, next }: Failure): NetworkEvent {
  return { severity: 'error', code: 'uplink-down', message, ...(next !== undefined && { next }) }
}

/** passt complains of the system's log that it cannot reach, too. */
function lastLine(text: string): string | undefined {
  const lines = text.split('\n').map((line) => line.trim())
  const line = lines.findLast((one) => one !== '' && !one.startsWith('Failed to send'))
  return line === undefined ? undefined : `says: ${line.replace(/\.$/, '')}`
}
