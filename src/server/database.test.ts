import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Database } from './database.ts'

const folder = mkdtempSync(join(tmpdir(), 'vivarium-database-'))
after(() => rmSync(folder, { recursive: true }))

test('it is made for its user alone, and opens again', () => {
  const path = join(folder, 'a.sqlite')
  new Database(path).close()
  assert.equal(statSync(path).mode & 0o777, 0o600)
  new Database(path).close()
})

test('a file that is no database is refused by name', () => {
  const path = join(folder, 'b.sqlite')
  writeFileSync(path, 'this is no database, but long enough to look like one'.repeat(40))
  assert.throws(() => new Database(path), { code: 'database-unreadable', where: { path } })
})

test('a database of a newer version is not touched', () => {
  const path = join(folder, 'c.sqlite')
  const database = new Database(path)
  database.run('PRAGMA user_version = 999')
  database.close()
  assert.throws(() => new Database(path), { code: 'database-newer' })
})

test('events of a database from before they had a network tell theirs by its name', () => {
  const path = join(folder, 'e.sqlite')
  const old = new Database(path)
  old.run('DROP INDEX events_by_network')
  for (const column of ['network_key', 'network_name']) old.run(`ALTER TABLE events DROP COLUMN ${column}`)
  const texts = [
    ['network', 'network-created', '"Lab" was created.'],
    ['network', 'network-changed', '"Lab" is called "Office" now.'],
    ['network', 'capture-stopped', 'The recording of "Lab" was stopped.'],
    ['network', 'adapter-plugged', 'Adapter 1 of "XP" was plugged into "My lab".'],
    ['network', 'adapter-unplugged', 'Adapter 1 of "XP" was unplugged.'],
    ['network', 'networks-not-settled', 'The networks are as they were: no.'],
    ['machine', 'machine-started', '"XP" was turned on.'],
  ]
  for (const values of texts)
    old.run(
      "INSERT INTO events (time, severity, source, code, message) VALUES ('t', 'info', ?, ?, ?)",
      ...values,
    )
  old.run('PRAGMA user_version = 3')
  old.close()
  const database = new Database(path)
  assert.deepEqual(
    database.all('SELECT network_name, network_key FROM events ORDER BY id').map((row) => row.network_name),
    ['Lab', 'Lab', 'Lab', 'My lab', null, null, null],
  )
  database.close()
})

test('a failed transaction leaves nothing', () => {
  const database = new Database(join(folder, 'd.sqlite'))
  assert.throws(() =>
    database.transaction(() => {
      database.run('INSERT INTO settings VALUES (?, ?)', 'a', 'b')
      throw new Error('no')
    }),
  )
  assert.deepEqual(database.all('SELECT * FROM settings'), [])
})
