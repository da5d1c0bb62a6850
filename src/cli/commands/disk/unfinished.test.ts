import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { MiB } from '../../../base/index.ts'
import { createDiskFile, factsOfFile, writeMergeMarker } from '../../../system/index.ts'
import { floppy, PROGRAM, runIn } from '../../testing.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-unfinished-'))
after(() => rmSync(root, { recursive: true, force: true }))

const file = (name: string) => join(root, name)
createDiskFile(file('base.vhd'), { subformat: 'dynamic', sizeBytes: 4 * MiB })
for (const name of ['child.vhd', 'other.vhd'])
  createDiskFile(file(name), { subformat: 'differencing', parent: file('base.vhd') })
const { id: targetId } = factsOfFile(file('base.vhd'))
const { id: childId } = factsOfFile(file('child.vhd'))
writeMergeMarker(file('base.vhd'), { state: 'merging', targetId, child: file('child.vhd'), childId })

const WARNING = `warning  A merge of ${file('child.vhd')} into ${file('base.vhd')} was begun and not ended: that disk holds a part of it.`
const NEXT = `vivarium disk merge ${file('child.vhd')}.`

for (const [code, ...args] of [
  [0, 'convert', 'base.vhd', 'new.vhdx'],
  [0, 'convert', 'other.vhd', 'newer.vhdx'],
  [0, 'convert', 'base.vhd', '-'],
  [0, 'clone', '--full', 'base.vhd', 'full.vhd'],
  [0, 'clone', 'other.vhd', 'linked.vhd'],
  [0, 'create', '--parent', 'other.vhd', 'created.vhd'],
  [0, 'compare', 'base.vhd', 'other.vhd'],
  [0, 'cat', 'base.vhd'],
  [0, 'ls', 'base.vhd'],
] as const)
  test(`disk ${args.join(' ')} warns of a disk that a merge left half-written, and goes on`, () => {
    const ran = runIn(root, ['disk', ...args])
    assert.equal(ran.code, code, ran.told)
    assert.ok(ran.told.includes(WARNING) && ran.told.includes(NEXT), ran.told)
  })

test('disk cp warns of it too', () => {
  const [base, child] = [file('floppy.img'), file('gone.vhd')]
  writeFileSync(base, floppy())
  writeMergeMarker(base, { state: 'merging', child })
  const { code, told } = runIn(root, ['disk', 'cp', 'floppy.img', '/README.TXT', 'readme'])
  assert.equal(code, 0, told)
  assert.equal(readFileSync(file('readme'), 'utf8'), 'hello')
  assert.ok(told.includes(`warning  A merge of ${child} into ${base} was begun and not ended`), told)
})

test('the merged disk itself is whole: that is no warning', () => {
  const { told } = runIn(root, ['disk', 'compare', 'child.vhd', 'child.vhd'])
  assert.match(told, /note {5}A merge of/)
  assert.doesNotMatch(told, /warning/)
})

test('disk serve warns of it too', async () => {
  const child = spawn(process.execPath, [PROGRAM, 'disk', 'serve', file('base.vhd')])
  const told = text(child.stderr)
  child.stdout.once('data', () => child.kill('SIGTERM'))
  await new Promise((resolve) => child.once('exit', resolve))
  assert.ok((await told).includes(WARNING), await told)
})
