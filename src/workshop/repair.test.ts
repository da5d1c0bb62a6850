import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB } from '../base/index.ts'
import { createDiskFile, inspectDisk } from '../system/index.ts'
import { check, repair } from './index.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-repair-'))
after(() => rmSync(root, { recursive: true, force: true }))

const control = {
  signal: new AbortController().signal,
  roots: [root],
  progress: () => undefined,
  note: () => undefined,
}

test('checking advises a repair, and neither the repair nor its plan does; its backups can be chosen from', async () => {
  const path = join(root, 'cut.vhd')
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: 4 * MiB })
  const cut = () => truncateSync(path, statSync(path).size - 512)
  cut()
  const advice = async () => (await check.run(check.schema.parse({ path }), control)).problems
  assert.match((await advice())[0]!.next!, /^Repair it: vivarium disk repair/)
  assert.deepEqual(inspectDisk(path).repairBackups, [])
  const run = (spec: object) => repair.run(repair.schema.parse({ path, ...spec }), control)
  for (const [dryRun, outcome] of [
    [true, 'planned'],
    [false, 'repaired'],
  ] as const) {
    const done = await run({ dryRun })
    assert.equal(done.outcome, outcome)
    assert.deepEqual(
      done.problems.map(({ code, next }) => [code, next]),
      [['vhd-tail-footer-lost', undefined]],
    )
  }
  assert.deepEqual(await advice(), [])
  cut()
  await run({})
  const backups = inspectDisk(path).repairBackups!
  assert.equal(backups.length, 2)
  assert.equal((await run({ takeBack: backups[1] })).backup, backups[1])
  assert.deepEqual(inspectDisk(path).repairBackups, backups.slice(0, 1))
})
