import { randomUUID } from 'node:crypto'
import { type ErrorRecord, Events, type Problem, VivariumError } from '../base/index.ts'
import { systemError } from '../system/index.ts'
import type { Database } from './database.ts'
import type { Turns } from './turns.ts'

/** Long work, as Virtual Server's IVMTask: percent, cancelable, result. */
export interface TaskRecord {
  readonly id: string
  readonly kind: string
  readonly title: string
  readonly machineId?: string
  /** The disk that is worked on. */
  readonly diskPath?: string
  /** `waiting`: for others of its kind to end, which are as many as may run at a time. */
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
  readonly percent: number
  readonly detail?: string
  readonly etaSeconds?: number
  readonly cancelable: boolean
  readonly startedAt: string
  readonly endedAt?: string
  readonly error?: ErrorRecord
  /** What came of it, in the operation's own words. */
  readonly result?: Readonly<Record<string, unknown>>
  /** What a person should know of what was done. */
  readonly notes?: Problem[]
}

export interface TaskControl {
  readonly signal: AbortSignal
  /** 0 to 100, and what is being done. */
  progress(percent: number, detail?: string): void
  /** Says which machine came of it. */
  made(machineId: string): void
  /** Says what came of it. */
  found(outcome: Pick<TaskRecord, 'result' | 'notes'>): void
}

export interface NewTask {
  readonly kind: string
  readonly title: string
  readonly machineId?: string
  readonly diskPath?: string
  readonly cancelable?: boolean
  /** Begins when it has its turn among these. */
  readonly turns?: Turns
}

const KEPT_TASKS = 200

/** The task list. Ended tasks are kept across restarts; one that ran when the server died is shown as failed. */
export class Tasks {
  readonly changed = new Events<{ tasks: undefined }>()
  readonly #database: Database
  readonly #records = new Map<string, TaskRecord>()
  readonly #running = new Map<string, { controller: AbortController; ended: Promise<void> }>()

  constructor(database: Database) {
    this.#database = database
    for (const row of database.all('SELECT record FROM tasks ORDER BY started_at')) {
      const record = JSON.parse(String(row.record)) as TaskRecord
      this.#records.set(record.id, isActive(record) ? this.#save(interrupted(record)) : record)
    }
  }

  /** Newest first. */
  list(): TaskRecord[] {
    return [...this.#records.values()].reverse()
  }

  get(id: string): TaskRecord {
    const record = this.#records.get(id)
    if (record === undefined) {
      throw new VivariumError('not-found', 'task-not-found', `There is no task ${id}.`, {
        next: 'See the task list.',
      })
    }
    return record
  }

  /** Starts the work and answers at once; the error of a failed task is in its record, and in `result`. */
  start<Result>(
    task: NewTask,
    work: (control: TaskControl) => Promise<Result>,
  ): { id: string; result: Promise<Result> } {
    const id = randomUUID()
    const controller = new AbortController()
    const turn = task.turns?.take(controller.signal)
    this.#put({
      id,
      kind: task.kind,
      title: task.title,
      ...(task.machineId !== undefined && { machineId: task.machineId }),
      ...(task.diskPath !== undefined && { diskPath: task.diskPath }),
      state: turn?.waits === true ? 'waiting' : 'running',
      percent: 0,
      cancelable: task.cancelable ?? true,
      startedAt: new Date().toISOString(),
    })
    const control: TaskControl = {
      signal: controller.signal,
      progress: (percent, detail) => this.#progress(id, percent, detail),
      made: (machineId) => this.#put({ ...this.get(id), machineId }),
      found: (outcome) => this.#put({ ...this.get(id), ...outcome }),
    }
    const result = this.#follow(
      id,
      controller,
      this.#begun(id, turn?.begun).then(async (done) => {
        try {
          controller.signal.throwIfAborted()
          return await work(control)
        } finally {
          done()
        }
      }),
    )
    this.#running.set(id, { controller, ended: result.then(ignore, ignore) })
    result.catch(ignore)
    return { id, result }
  }

  cancel(id: string): TaskRecord {
    const record = this.get(id)
    if (!isActive(record)) return record
    if (!record.cancelable) {
      throw new VivariumError('conflict', 'task-not-cancelable', `"${record.title}" cannot be cancelled.`, {
        next: 'Wait until it is done.',
      })
    }
    this.#running.get(id)?.controller.abort()
    return record
  }

  /** Cancels what can be cancelled and waits for everything. */
  async close(): Promise<void> {
    for (const [id, { controller }] of this.#running) if (this.get(id).cancelable) controller.abort()
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }

  /** When its turn has come. @returns What ends the turn. */
  async #begun(id: string, turn: Promise<() => void> | undefined): Promise<() => void> {
    if (turn === undefined) return ignore
    const done = await turn
    const record = this.get(id)
    // How long it will take is told from here on.
    if (record.state === 'waiting')
      this.#put({ ...record, state: 'running', startedAt: new Date().toISOString() })
    return done
  }

  async #follow<Result>(id: string, controller: AbortController, work: Promise<Result>): Promise<Result> {
    try {
      const result = await work
      this.#end(id, { state: 'done', percent: 100 })
      return result
    } catch (error) {
      const known = error instanceof VivariumError ? error : systemError(error, this.get(id).title)
      this.#end(
        id,
        controller.signal.aborted ? { state: 'cancelled' } : { state: 'failed', error: known.toJSON() },
      )
      throw known
    }
  }

  #progress(id: string, percent: number, detail: string | undefined): void {
    const record = this.get(id)
    if (record.state !== 'running') return
    const seconds = (Date.now() - Date.parse(record.startedAt)) / 1000
    const etaSeconds =
      percent > 1 && percent < 100 ? Math.round((seconds * (100 - percent)) / percent) : undefined
    this.#records.set(id, {
      ...record,
      percent: Math.max(0, Math.min(100, percent)),
      ...(detail !== undefined && { detail }),
      ...(etaSeconds !== undefined && { etaSeconds }),
    })
    this.changed.emit('tasks', undefined)
  }

  #end(id: string, change: Partial<TaskRecord>): void {
    this.#running.delete(id)
    const { etaSeconds: _, ...record } = this.get(id)
    this.#put({ ...record, ...change, endedAt: new Date().toISOString() })
  }

  #put(record: TaskRecord): void {
    this.#records.set(record.id, this.#save(record))
    for (const [id, old] of this.#records) {
      if (this.#records.size <= KEPT_TASKS) break
      if (isActive(old)) continue
      this.#records.delete(id)
      this.#database.run('DELETE FROM tasks WHERE id = ?', id)
    }
    this.changed.emit('tasks', undefined)
  }

  #save(record: TaskRecord): TaskRecord {
    this.#database.run(
      'INSERT OR REPLACE INTO tasks (id, record, started_at) VALUES (?, ?, ?)',
      record.id,
      JSON.stringify(record),
      record.startedAt,
    )
    return record
  }
}

function ignore(): void {}

function isActive({ state }: TaskRecord): boolean {
  return state === 'running' || state === 'waiting'
}

function interrupted(record: TaskRecord): TaskRecord {
  const error = new VivariumError('io', 'task-interrupted', 'The server stopped while this was being done.', {
    next: 'Start it again.',
  })
  return { ...record, state: 'failed', endedAt: new Date().toISOString(), error: error.toJSON() }
}
