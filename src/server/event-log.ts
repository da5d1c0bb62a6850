import { Events } from '../base/index.ts'
import type { Database, Row } from './database.ts'

export interface LoggedEvent {
  readonly id: number
  readonly time: string
  readonly severity: 'info' | 'warning' | 'error'
  readonly source: 'server' | 'machine' | 'disk' | 'network' | 'session'
  readonly code: string
  readonly message: string
  readonly machineId?: string
  readonly machineName?: string
  readonly networkKey?: string
  readonly networkName?: string
}

export type NewEvent = Omit<LoggedEvent, 'id' | 'time'>

export interface EventFilter {
  /** Only events with a smaller id. */
  readonly before?: number | undefined
  readonly limit: number
  readonly machineId?: string | undefined
  /** Events of before there was a key are found by the name. */
  readonly network?: { readonly key: string; readonly name?: string | undefined } | undefined
}

/** More than anybody reads, less than anybody notices on the disk. */
const KEPT_EVENTS = 10_000

/** What happened, newest first; survives restarts. */
export class EventLog {
  readonly added = new Events<{ event: LoggedEvent }>()
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  add(event: NewEvent): void {
    const time = new Date().toISOString()
    try {
      this.added.emit('event', { ...event, id: this.#store(event, time), time })
    } catch (error) {
      // An event is told where things go wrong, and must not make them worse: a full disk is the usual reason.
      console.error(`vivarium: ${event.message} (This event could not be kept: ${(error as Error).message}.)`)
    }
  }

  #store(event: NewEvent, time: string): number {
    const row = this.#database.get(
      `INSERT INTO events
         (time, severity, source, code, message, machine_id, machine_name, network_key, network_name)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      time,
      event.severity,
      event.source,
      event.code,
      event.message,
      event.machineId ?? null,
      event.machineName ?? null,
      event.networkKey ?? null,
      event.networkName ?? null,
    )
    const id = Number(row!.id)
    if (id % 100 === 0) this.#database.run('DELETE FROM events WHERE id <= ?', id - KEPT_EVENTS)
    return id
  }

  list({ before = Number.MAX_SAFE_INTEGER, limit, machineId, network }: EventFilter): LoggedEvent[] {
    const where = ['id < ?']
    const values: (string | number | null)[] = [before]
    if (machineId !== undefined) {
      where.push('machine_id = ?')
      values.push(machineId)
    }
    if (network !== undefined) {
      where.push('(network_key = ? OR (network_key IS NULL AND network_name = ?))')
      values.push(network.key, network.name ?? null)
    }
    const sql = `SELECT * FROM events WHERE ${where.join(' AND ')} ORDER BY id DESC LIMIT ?`
    return this.#database.all(sql, ...values, limit).map(fromRow)
  }
}

function fromRow(row: Row): LoggedEvent {
  return {
    id: Number(row.id),
    time: String(row.time),
    severity: row.severity as LoggedEvent['severity'],
    source: row.source as LoggedEvent['source'],
    code: String(row.code),
    message: String(row.message),
    ...(row.machine_id !== null && { machineId: String(row.machine_id) }),
    ...(row.machine_name !== null && { machineName: String(row.machine_name) }),
    ...(row.network_key !== null && { networkKey: String(row.network_key) }),
    ...(row.network_name !== null && { networkName: String(row.network_name) }),
  }
}
