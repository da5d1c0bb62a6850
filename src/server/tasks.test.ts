import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { VivariumError } from '../base/index.ts'
import { Database } from './database.ts'
import { Tasks } from './tasks.ts'
import { Turns } from './turns.ts'

const folder = mkdtempSync(join(tmpdir(), 'vivarium-tasks-'))
after(() => rmSync(folder, { recursive: true }))
let count = 0
const openDatabase = () => new Database(join(folder, `${count++}.sqlite`))

test('a task counts up, ends, and is remembered', async () => {
  const database = openDatabase()
  const tasks = new Tasks(database)
  const { id, result } = tasks.start({ kind: 'copy', title: 'Copy' }, async (control) => {
    control.progress(40, 'half of it')
    assert.equal(tasks.get(id).percent, 40)
    assert.equal(tasks.get(id).detail, 'half of it')
    return 7
  })
  assert.equal(await result, 7)
  assert.equal(tasks.get(id).state, 'done')
  assert.equal(new Tasks(database).get(id).percent, 100)
})

test('a failed task keeps the error that it failed with', async () => {
  const tasks = new Tasks(openDatabase())
  const { id, result } = tasks.start({ kind: 'copy', title: 'Copy' }, async () => {
    throw new VivariumError('io', 'host-enospc', 'The disk is full.', { next: 'Free some space.' })
  })
  await assert.rejects(result, { code: 'host-enospc' })
  assert.equal(tasks.get(id).state, 'failed')
  assert.equal(tasks.get(id).error?.code, 'host-enospc')
})

test('cancel stops the work and says so', async () => {
  const tasks = new Tasks(openDatabase())
  const { id, result } = tasks.start({ kind: 'wait', title: 'Wait' }, async ({ signal }) => {
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  })
  tasks.cancel(id)
  await assert.rejects(result)
  assert.equal(tasks.get(id).state, 'cancelled')
})

test('what cannot be cancelled refuses', async () => {
  const tasks = new Tasks(openDatabase())
  const { promise, resolve } = Promise.withResolvers<void>()
  const { id, result } = tasks.start({ kind: 'merge', title: 'Merge', cancelable: false }, () => promise)
  assert.throws(() => tasks.cancel(id), { code: 'task-not-cancelable' })
  resolve()
  await result
})

test('a task that ran when the server died is failed afterwards', async () => {
  const database = openDatabase()
  const tasks = new Tasks(database)
  const { id } = tasks.start({ kind: 'wait', title: 'Wait' }, () => new Promise(() => {}))
  const later = new Tasks(database)
  assert.equal(later.get(id).state, 'failed')
  assert.equal(later.get(id).error?.code, 'task-interrupted')
})

test('progress after the end changes nothing', async () => {
  const tasks = new Tasks(openDatabase())
  let late = () => {}
  const { id, result } = tasks.start({ kind: 'copy', title: 'Copy' }, async (control) => {
    late = () => control.progress(10)
  })
  await result
  late()
  assert.equal(tasks.get(id).percent, 100)
})

test('with turns so many run at a time; the others wait in order, and one that is cancelled steps out', async () => {
  const tasks = new Tasks(openDatabase())
  const turns = new Turns(2)
  const begun: number[] = []
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
  const started = gates.map(({ promise }, index) =>
    tasks.start({ kind: 'wait', title: `Wait ${index}`, turns }, () => {
      begun.push(index)
      return promise
    }),
  )
  const states = () => started.map(({ id }) => tasks.get(id).state)
  assert.deepEqual(states(), ['running', 'running', 'waiting', 'waiting', 'waiting'])
  tasks.cancel(started[2]!.id)
  await assert.rejects(started[2]!.result)
  gates[1]!.reject(new VivariumError('io', 'broken', 'It broke.'))
  await assert.rejects(started[1]!.result, { code: 'broken' })
  gates[0]!.resolve()
  gates[3]!.resolve()
  await Promise.all([started[0]!.result, started[3]!.result])
  assert.deepEqual(states(), ['done', 'failed', 'cancelled', 'done', 'running'])
  assert.deepEqual(begun, [0, 1, 3, 4])
  gates[4]!.resolve()
  await tasks.close()
  assert.equal(tasks.get(started[4]!.id).state, 'done')
})

test('closing does not begin what waits; a server that died has nothing waiting afterwards', async () => {
  const database = openDatabase()
  const [tasks, turns] = [new Tasks(database), new Turns(1)]
  const gate = Promise.withResolvers<void>()
  tasks.start({ kind: 'wait', title: 'First', turns }, ({ signal }) => {
    signal.addEventListener('abort', () => gate.reject(signal.reason))
    return gate.promise
  })
  const second = tasks.start({ kind: 'wait', title: 'Second', turns }, async () => assert.fail('begun'))
  assert.equal(new Tasks(database).get(second.id).error?.code, 'task-interrupted')
  await tasks.close()
  assert.equal(tasks.get(second.id).state, 'cancelled')
})
