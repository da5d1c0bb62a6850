import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Database } from './database.ts'
import { EventLog } from './event-log.ts'
import { Sessions } from './sessions.ts'

const folder = mkdtempSync(join(tmpdir(), 'vivarium-sessions-'))
after(() => rmSync(folder, { recursive: true }))
const database = new Database(join(folder, 'vivarium.sqlite'))
const events = new EventLog(database)
const token = join(folder, 'cli-token')
const sessions = new Sessions(database, events, token)

test('a key signs in once', () => {
  const key = sessions.newKey()
  const secret = sessions.signIn(key)
  assert.ok(secret)
  assert.ok(sessions.userOf(secret))
  assert.equal(sessions.signIn(key), undefined)
})

test('a wrong key, and the hash of a right one, do not sign in', () => {
  assert.equal(sessions.signIn('nonsense'), undefined)
  const stored = database.get('SELECT hash FROM sessions')
  assert.equal(sessions.userOf(String(stored!.hash)), undefined)
})

test('an old key and an old session are worth nothing', () => {
  const key = sessions.newKey()
  database.run('UPDATE sign_in_keys SET expires_at = 1')
  assert.equal(sessions.signIn(key), undefined)
  const secret = sessions.signIn(sessions.newKey())!
  database.run('UPDATE sessions SET expires_at = 1')
  assert.equal(sessions.userOf(secret), undefined)
})

test('who signs out is out', () => {
  const secret = sessions.signIn(sessions.newKey())!
  sessions.signOut(secret)
  assert.equal(sessions.userOf(secret), undefined)
})

test('the command line has a token that only its user can read, the same after a restart', () => {
  const text = readFileSync(token, 'utf8')
  assert.equal(statSync(token).mode & 0o777, 0o600)
  assert.equal(sessions.isCliToken(text), true)
  assert.equal(sessions.isCliToken(`${text}x`), false)
  assert.equal(sessions.isCliToken(''), false)
  assert.equal(new Sessions(database, events, token).isCliToken(text), true)
})
