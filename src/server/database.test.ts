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
