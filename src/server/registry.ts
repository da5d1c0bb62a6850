import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { type PortSettings, portSettingsSchema } from '../network/index.ts'
import type { Database, Row } from './database.ts'

export type EngineWish = 'auto' | 'qemu' | 'v86'
export type AdapterWish = 'auto' | 'tulip' | 'ne2k' | 'pcnet' | 'rtl8139' | 'e1000' | 'virtio'

/** What the server remembers of a machine beside the machine's own file. */
export interface Registration {
  readonly id: string
  readonly path: string
  readonly engineWish: EngineWish
  readonly adapterModel: AdapterWish
  /** New runs write to undo disks. */
  readonly undo: boolean
  /** MAC addresses made here for adapters whose file has none, by adapter index. */
  readonly macs: Readonly<Record<string, string>>
  /** Settings of its adapters' ports on the switch, by adapter index. */
  readonly ports: Readonly<Record<string, PortSettings>>
  readonly addedAt: string
}

/** What the server remembers of a virtual network beside its file. */
export interface NetworkRegistration {
  readonly key: string
  /** Of its VNC file. */
  readonly path: string
  /** One of those that are there from the start: internal, local, nat; or external and the host's adapter. */
  readonly builtIn: string | undefined
  /** Taken from the list, while the file stays where files are looked for. */
  readonly isRemoved: boolean
}

/** An undo disk on top of a machine's own disk. */
export interface UndoDisk {
  readonly channel: number
  readonly unit: number
  readonly path: string
  /** The file it was made on top of. */
  readonly base: string
  /** A commit has begun: its base holds a part of it, and only together are they whole. */
  readonly merging: boolean
}

/** What `Engine.adopt` needs after a restart of the server. */
export interface RunRecord {
  readonly machineId: string
  readonly plan: unknown
  readonly adoption: unknown
  readonly reason: string
}

/** The machines table and what hangs on it. */
export class Registry {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  list(): Registration[] {
    return this.#database.all('SELECT * FROM machines ORDER BY added_at, rowid').map(fromRow)
  }

  findByPath(path: string): Registration | undefined {
    const row = this.#database.get('SELECT * FROM machines WHERE path = ?', path)
    return row && fromRow(row)
  }

  add(path: string, undo: boolean, wishes: Partial<Pick<Registration, 'adapterModel'>> = {}): Registration {
    const row = this.#database.get(
      'INSERT INTO machines (id, path, undo, adapter_model, added_at) VALUES (?, ?, ?, ?, ?) RETURNING *',
      randomUUID(),
      path,
      undo ? 1 : 0,
      wishes.adapterModel ?? 'auto',
      new Date().toISOString(),
    )
    return fromRow(row!)
  }

  change(registration: Registration): void {
    const { id, engineWish, adapterModel, undo, macs, ports } = registration
    this.#database.run(
      'UPDATE machines SET engine_wish = ?, adapter_model = ?, undo = ?, macs = ?, ports = ? WHERE id = ?',
      engineWish,
      adapterModel,
      undo ? 1 : 0,
      JSON.stringify(macs),
      JSON.stringify(ports),
      id,
    )
  }

  remove(id: string): void {
    this.#database.run('DELETE FROM machines WHERE id = ?', id)
  }

  undoDisks(machineId: string): UndoDisk[] {
    return this.#database.all('SELECT * FROM undo_disks WHERE machine_id = ?', machineId).map((row) => ({
      channel: Number(row.channel),
      unit: Number(row.unit),
      path: String(row.path),
      base: String(row.base),
      merging: row.merging === 1,
    }))
  }

  putUndoDisk(machineId: string, disk: UndoDisk): void {
    this.#database.run(
      'INSERT OR REPLACE INTO undo_disks VALUES (?, ?, ?, ?, ?, ?)',
      machineId,
      disk.channel,
      disk.unit,
      disk.path,
      disk.base,
      disk.merging ? 1 : 0,
    )
  }

  removeUndoDisk(machineId: string, disk: UndoDisk): void {
    this.#database.run('DELETE FROM undo_disks WHERE machine_id = ? AND path = ?', machineId, disk.path)
  }

  runs(): RunRecord[] {
    return this.#database.all('SELECT * FROM runs').map((row) => ({
      machineId: String(row.machine_id),
      plan: JSON.parse(String(row.plan)),
      adoption: JSON.parse(String(row.adoption)),
      reason: String(row.reason),
    }))
  }

  /** `adoption` undefined: the run dies with the server, and is only remembered to say so afterwards. */
  addRun(run: RunRecord): void {
    this.#database.run(
      'INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)',
      run.machineId,
      JSON.stringify(run.plan),
      JSON.stringify(run.adoption ?? null),
      run.reason,
    )
  }

  removeRun(machineId: string): void {
    this.#database.run('DELETE FROM runs WHERE machine_id = ?', machineId)
  }

  networks(): NetworkRegistration[] {
    return this.#database.all('SELECT * FROM networks ORDER BY added_at, rowid').map((row) => ({
      key: String(row.key),
      path: String(row.path),
      builtIn: row.built_in === null ? undefined : String(row.built_in),
      isRemoved: row.removed === 1,
    }))
  }

  putNetwork({ key, path, builtIn, isRemoved }: NetworkRegistration): void {
    this.#database.run(
      `INSERT INTO networks (key, path, built_in, removed, added_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET path = excluded.path, built_in = excluded.built_in, removed = excluded.removed`,
      key,
      path,
      builtIn ?? null,
      isRemoved ? 1 : 0,
      new Date().toISOString(),
    )
  }

  removeNetwork(key: string): void {
    this.#database.run('DELETE FROM networks WHERE key = ?', key)
  }

  setting(name: string): string | undefined {
    const row = this.#database.get('SELECT value FROM settings WHERE name = ?', name)
    return row && String(row.value)
  }

  setSetting(name: string, value: string): void {
    this.#database.run('INSERT OR REPLACE INTO settings VALUES (?, ?)', name, value)
  }
}

const portsSchema = z.record(z.string(), portSettingsSchema)

function fromRow(row: Row): Registration {
  return {
    id: String(row.id),
    path: String(row.path),
    engineWish: row.engine_wish as EngineWish,
    adapterModel: row.adapter_model as AdapterWish,
    undo: row.undo === 1,
    macs: JSON.parse(String(row.macs)),
    ports: portsSchema.parse(JSON.parse(String(row.ports))),
    addedAt: String(row.added_at),
  }
}
