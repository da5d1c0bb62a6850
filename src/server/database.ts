import { chmodSync, closeSync, existsSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { VivariumError } from '../base/index.ts'
import { systemError } from '../system/index.ts'

/** Each entry takes a database one version up; entries are only ever added. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE machines (
     id TEXT PRIMARY KEY,
     path TEXT NOT NULL UNIQUE,
     engine_wish TEXT NOT NULL DEFAULT 'auto',
     adapter_model TEXT NOT NULL DEFAULT 'auto',
     undo INTEGER NOT NULL,
     macs TEXT NOT NULL DEFAULT '{}',
     added_at TEXT NOT NULL
   ) STRICT;
   CREATE TABLE undo_disks (
     machine_id TEXT NOT NULL REFERENCES machines(id) ON DELETE CASCADE,
     channel INTEGER NOT NULL,
     unit INTEGER NOT NULL,
     path TEXT NOT NULL,
     base TEXT NOT NULL,
     PRIMARY KEY (machine_id, channel, unit)
   ) STRICT;
   CREATE TABLE runs (
     machine_id TEXT PRIMARY KEY REFERENCES machines(id) ON DELETE CASCADE,
     plan TEXT NOT NULL,
     adoption TEXT NOT NULL,
     reason TEXT NOT NULL
   ) STRICT;
   CREATE TABLE events (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     time TEXT NOT NULL,
     severity TEXT NOT NULL,
     source TEXT NOT NULL,
     code TEXT NOT NULL,
     message TEXT NOT NULL,
     machine_id TEXT,
     machine_name TEXT
   ) STRICT;
   CREATE INDEX events_by_machine ON events(machine_id, id);
   CREATE TABLE tasks (
     id TEXT PRIMARY KEY,
     record TEXT NOT NULL,
     started_at TEXT NOT NULL
   ) STRICT;
   CREATE TABLE sign_in_keys (hash TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT;
   CREATE TABLE sessions (hash TEXT PRIMARY KEY, user TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
   CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;`,
  'ALTER TABLE undo_disks ADD COLUMN merging INTEGER NOT NULL DEFAULT 0',
  `CREATE TABLE networks (
     key TEXT PRIMARY KEY,
     path TEXT NOT NULL UNIQUE,
     built_in TEXT,
     removed INTEGER NOT NULL,
     added_at TEXT NOT NULL
   ) STRICT;
   ALTER TABLE machines ADD COLUMN ports TEXT NOT NULL DEFAULT '{}';`,
  // Events of before have the name of their network in quotes: the first of their text, or where a cable went the last.
  `ALTER TABLE events ADD COLUMN network_key TEXT;
   ALTER TABLE events ADD COLUMN network_name TEXT;
   UPDATE events SET network_name = substr(message, instr(message, '" was plugged into "') + 20)
     WHERE source = 'network' AND code = 'adapter-plugged' AND message LIKE '%" was plugged into "%".';
   UPDATE events SET network_name = substr(network_name, 1, length(network_name) - 2)
     WHERE network_name IS NOT NULL;
   UPDATE events SET network_name = substr(message, instr(message, '"') + 1)
     WHERE source = 'network' AND code NOT LIKE 'adapter-%' AND message LIKE '%"%"%';
   UPDATE events SET network_name = substr(network_name, 1, instr(network_name, '"') - 1)
     WHERE source = 'network' AND code NOT LIKE 'adapter-%' AND network_name IS NOT NULL;
   CREATE INDEX events_by_network ON events(network_key, id);`,
]

export type Row = Record<string, string | number | bigint | null | Uint8Array>

/** The server's own memory: SQLite in write-ahead mode, so that a crash at any point leaves a whole state. */
export class Database {
  readonly #database: DatabaseSync
  readonly #path: string

  constructor(path: string) {
    this.#path = path
    try {
      // Made by us first, so that it is never readable by others, not even for a moment.
      if (!existsSync(path)) closeSync(openSync(path, 'wx', 0o600))
      chmodSync(path, 0o600)
    } catch (error) {
      throw systemError(error, path)
    }
    try {
      this.#database = new DatabaseSync(path)
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
      this.#migrate(path)
    } catch (error) {
      if (error instanceof VivariumError) throw error
      throw new VivariumError(
        'corrupt',
        'database-unreadable',
        `The database cannot be opened: ${(error as Error).message}.`,
        {
          where: { path },
          next: 'Move the file away to start with an empty one; machines and disks are not in it.',
          cause: error,
        },
      )
    }
  }

  #migrate(path: string): void {
    const version = Number(this.get('PRAGMA user_version')?.user_version ?? 0)
    if (version > MIGRATIONS.length) {
      throw new VivariumError(
        'unsupported',
        'database-newer',
        `The database has version ${version}; this Vivarium knows up to ${MIGRATIONS.length}.`,
        { where: { path }, next: 'Use the newer Vivarium that wrote it, or another data folder.' },
      )
    }
    for (let next = version; next < MIGRATIONS.length; next++) {
      this.transaction(() => {
        this.#database.exec(MIGRATIONS[next]!)
        this.#database.exec(`PRAGMA user_version = ${next + 1}`)
      })
    }
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.#guard(() => this.#database.prepare(sql).run(...values))
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#guard(() => this.#database.prepare(sql).get(...values)) as Row | undefined
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#guard(() => this.#database.prepare(sql).all(...values)) as Row[]
  }

  transaction<Result>(action: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const result = action()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      this.#database.exec('ROLLBACK')
      throw error
    }
  }

  /** A full disk above all: told with the database's name, not with SQLite's code. */
  #guard<Result>(action: () => Result): Result {
    try {
      return action()
    } catch (error) {
      throw systemError(error, this.#path)
    }
  }

  close(): void {
    this.#database.close()
  }
}
