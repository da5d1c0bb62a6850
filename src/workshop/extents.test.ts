import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { GiB, MiB } from '../base/index.ts'
import { createDiskFile } from '../system/index.ts'
import { check, compact, expand, repair } from './index.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-extents-'))
after(() => rmSync(root, { recursive: true, force: true }))

const control = {
  ...{ signal: new AbortController().signal, roots: [root] },
  ...{ progress: () => undefined, note: () => undefined },
}
const checked = (path: string) => check.run({ path, deep: true }, control)
const repaired = (path: string) => repair.run(repair.schema.parse({ path }), control)

test('an image of several files is checked in all of them, and each of them is repaired by itself', async () => {
  const path = join(root, 'split.vmdk')
  createDiskFile(path, { format: 'vmdk', subformat: 'twoGbMaxExtentSparse', sizeBytes: 5 * GiB })
  assert.deepEqual(await checked(path), { problems: [], repairable: 0 })
  assert.equal((await repaired(path)).outcome, 'nothing')
  const second = join(root, 'split-s002.vmdk')
  const bytes = readFileSync(second)
  const whole = Buffer.from(bytes)
  // The copy of a grain table, behind the copy of the directory.
  bytes.fill(0xff, (bytes.readUInt32LE(0x30) + 20) * 512, (bytes.readUInt32LE(0x30) + 20) * 512 + 3)
  writeFileSync(second, bytes)
  const { problems, repairable } = await checked(path)
  assert.ok(repairable > 0)
  assert.ok(problems.some(({ where, next }) => where?.path === second && next?.includes(second)))
  await assert.rejects(repaired(path), {
    code: 'repair-in-extents',
    next: new RegExp(`disk repair ${second}`),
  })
  assert.equal((await repaired(second)).outcome, 'repaired')
  assert.ok(readFileSync(second).equals(whole))
  assert.deepEqual(await checked(path), { problems: [], repairable: 0 })
  for (const refused of [
    () => compact.run({ path, dryRun: false, zeroesOnly: false }, control),
    () => expand.run({ path, sizeBytes: 6 * GiB }, control),
  ])
    await assert.rejects(refused, { code: 'image-several-files', next: /disk convert .*split\.vmdk NEW/ })
})

test('nothing is looked for in a flat extent; one that was cut short can be filled up', async () => {
  const path = join(root, 'flat.vmdk')
  createDiskFile(path, { format: 'vmdk', subformat: 'monolithicFlat', sizeBytes: 8 * MiB })
  const extent = join(root, 'flat-flat.vmdk')
  // What a guest wrote into its first sectors: an image of its own, damaged.
  const forged = join(root, 'forged.vmdk')
  createDiskFile(forged, { format: 'vmdk', subformat: 'monolithicSparse', sizeBytes: MiB })
  const inner = readFileSync(forged)
  inner.fill(0xff, (inner.readUInt32LE(0x30) + 1) * 512, (inner.readUInt32LE(0x30) + 1) * 512 + 3)
  writeFileSync(forged, inner)
  assert.ok((await checked(forged)).repairable > 0)
  const outer = readFileSync(extent)
  inner.copy(outer)
  writeFileSync(extent, outer)
  assert.deepEqual(await checked(path), { problems: [], repairable: 0 })
  truncateSync(extent, 8 * MiB - 512)
  const [problem] = (await checked(path)).problems
  assert.deepEqual(
    [problem?.code, problem?.next?.includes(`--size=${8 * MiB}`)],
    ['vmdk-extent-cut-short', true],
  )
})
