import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { Database } from './database.ts'
import { DiskOperations } from './disk-operations.ts'
import { EventLog } from './event-log.ts'
import { Tasks } from './tasks.ts'

const folder = mkdtempSync(join(tmpdir(), 'vivarium-disk-operations-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('so many images pass at a time, and one that ended makes room', async (t) => {
  const database = new Database(join(folder, 'db'))
  t.after(() => database.close())
  const disks = new DiskOperations({
    tasks: new Tasks(database),
    events: new EventLog(database),
    rootsFor: () => [folder],
    searchFoldersFor: () => [folder],
  })
  const source = join(folder, 'a.img')
  writeFileSync(source, 'x'.repeat(512))
  const wish = { source, name: 'b.raw' }
  await assert.rejects(disks.download({ ...wish, source: 'a.img' }), { code: 'path-not-whole' })
  const asked = Array.from({ length: 9 }, () => disks.download(wish))
  await assert.rejects(asked.pop()!, { kind: 'busy', code: 'too-many-transfers' })
  for (const { bytes } of await Promise.all(asked)) assert.equal((await text(bytes)).length, 512)
  const again = await disks.download(wish)
  assert.equal((await text(again.bytes)).length, 512)
  // One that dies in the middle must not look like one that ended.
  const large = join(folder, 'large.img')
  writeFileSync(large, new Uint8Array(8 << 20).fill(1))
  const cut = await disks.download({ ...wish, source: large })
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .map(Number)
  for (const pid of children) process.kill(pid, 'SIGKILL')
  await assert.rejects(text(cut.bytes), { code: 'transfer-died' })
  await assert.rejects(disks.download({ ...wish, source: join(folder, 'none.img') }), { code: 'host-enoent' })
})

test('four operations run at a time, and the others wait for them or are cancelled', async (t) => {
  const database = new Database(join(folder, 'operations-db'))
  t.after(() => database.close())
  const tasks = new Tasks(database)
  const disks = new DiskOperations({
    ...{ tasks, events: new EventLog(database) },
    ...{ rootsFor: () => [folder], searchFoldersFor: () => [folder] },
  })
  const source = join(folder, 'operated.img')
  writeFileSync(source, new Uint8Array(1 << 20).fill(1))
  const ids = Array.from({ length: 6 }, (_, index) =>
    disks.start('convert', { source, target: join(folder, `copy-${index}.vhd`) }),
  )
  const states = () => ids.map((id) => tasks.get(id).state)
  assert.deepEqual(states(), ['running', 'running', 'running', 'running', 'waiting', 'waiting'])
  tasks.cancel(ids[4]!)
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  tasks.changed.on('tasks', () => {
    if (states().every((state) => state !== 'running' && state !== 'waiting')) resolve()
  })
  await ended
  assert.deepEqual(states(), ['done', 'done', 'done', 'done', 'cancelled', 'done'])
  assert.deepEqual(
    ids.map((_, index) => existsSync(join(folder, `copy-${index}.vhd`))),
    [true, true, true, true, false, true],
  )
})
