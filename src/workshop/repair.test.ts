import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
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

for (const fault of ['parent-missing', 'parent-cycle'] as const)
  test(`a repair tells of the chain of a sound file what a check does: ${fault}`, async () => {
    const folder = mkdtempSync(join(root, 'f-'))
    const [base, child, top] = ['base.qcow2', 'child.qcow2', 'top.qcow2'].map((name) =>
      join(folder, name),
    ) as [string, string, string]
    createDiskFile(base, { subformat: 'v3', format: 'qcow2', sizeBytes: 4 * MiB })
    createDiskFile(child, { subformat: 'differencing', format: 'qcow2', parent: base })
    createDiskFile(top, { subformat: 'differencing', format: 'qcow2', parent: child })
    if (fault === 'parent-missing') rmSync(base)
    else copyFileSync(top, base)
    const checked = await check.run(check.schema.parse({ path: top }), control)
    const told = checked.problems.filter(({ severity }) => severity === 'error')
    assert.deepEqual(
      told.map(({ code }) => code),
      [fault],
    )
    for (const dryRun of [true, false]) {
      const done = await repair.run(repair.schema.parse({ path: top, dryRun }), control)
      assert.equal(done.outcome, 'nothing')
      assert.deepEqual(done.chain, told)
      assert.deepEqual(done.remaining, told)
    }
  })

test('what stays wrong with the chain of a file that is repaired is told with the plan and afterwards', async () => {
  const folder = mkdtempSync(join(root, 'f-'))
  const [base, child, top] = ['base.vhd', 'child.vhd', 'top.vhd'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: 4 * MiB })
  createDiskFile(child, { subformat: 'differencing', parent: base })
  createDiskFile(top, { subformat: 'differencing', parent: child })
  rmSync(base)
  truncateSync(top, statSync(top).size - 512)
  for (const [dryRun, outcome] of [
    [true, 'planned'],
    [false, 'repaired'],
  ] as const) {
    const done = await repair.run(repair.schema.parse({ path: top, dryRun }), control)
    assert.equal(done.outcome, outcome)
    assert.deepEqual(
      done.remaining.map(({ code, where }) => [code, where?.path]),
      [['parent-missing', child]],
    )
  }
})
