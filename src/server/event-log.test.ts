import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Database } from './database.ts'
import { EventLog } from './event-log.ts'

const database = new Database(join(mkdtempSync(join(tmpdir(), 'vivarium-events-')), 'vivarium.sqlite'))
const log = new EventLog(database)
const add = (message: string, machineId?: string) =>
  log.add({ severity: 'info', source: 'machine', code: 'test', message, ...(machineId && { machineId }) })

test('events are listed newest first, by pages and by machine', () => {
  const heard: string[] = []
  log.added.on('event', ({ message }) => heard.push(message))
  for (const message of ['one', 'two', 'three']) add(message, message === 'two' ? 'a' : 'b')
  assert.deepEqual(heard, ['one', 'two', 'three'])
  const all = log.list({ limit: 10 })
  assert.deepEqual(
    all.map(({ message }) => message),
    ['three', 'two', 'one'],
  )
  assert.deepEqual(
    log.list({ limit: 10, before: all[1]!.id }).map(({ message }) => message),
    ['one'],
  )
  assert.deepEqual(
    log.list({ limit: 10, machineId: 'a' }).map(({ message }) => message),
    ['two'],
  )
})

test('the log is bounded', () => {
  database.run('UPDATE sqlite_sequence SET seq = 20099 WHERE name = ?', 'events')
  add('the latest')
  assert.deepEqual(
    log.list({ limit: 10 }).map(({ message }) => message),
    ['the latest'],
  )
})
