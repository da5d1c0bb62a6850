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

test('events of a network are listed by its key, those of before it had one by its name', () => {
  const event = { severity: 'info', source: 'network', code: 'test' } as const
  log.add({ ...event, message: 'new', networkKey: 'lab', networkName: 'Lab' })
  log.add({ ...event, message: 'another', networkKey: 'lab-2', networkName: 'Lab' })
  log.add({ ...event, message: 'old', networkName: 'Lab' })
  const messages = (network: { key: string; name?: string }) =>
    log.list({ limit: 10, network }).map(({ message }) => message)
  assert.deepEqual(messages({ key: 'lab', name: 'Lab' }), ['old', 'new'])
  assert.deepEqual(messages({ key: 'lab' }), ['new'])
  assert.deepEqual(log.list({ limit: 1, network: { key: 'lab' } })[0]?.networkName, 'Lab')
})

test('the log is bounded', () => {
  database.run('UPDATE sqlite_sequence SET seq = 20099 WHERE name = ?', 'events')
  add('the latest')
  assert.deepEqual(
    log.list({ limit: 10 }).map(({ message }) => message),
    ['the latest'],
  )
})
