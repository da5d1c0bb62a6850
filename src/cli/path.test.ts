import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB } from '../base/index.ts'
import { createDiskFile } from '../system/index.ts'
import { runIn } from './testing.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-path-'))
after(() => rmSync(root, { recursive: true, force: true }))
createDiskFile(join(root, 'a.vhd'), { subformat: 'dynamic', sizeBytes: MiB })

for (const args of [
  ['inspect', ''],
  ['check', ''],
  ['disk', 'ls', ''],
  ['disk', 'cat', ''],
  ['disk', 'cat', 'a.vhd', '--search', ''],
  ['disk', 'cp', 'a.vhd', '/', ''],
  ['disk', 'convert', 'a.vhd', ''],
  ['disk', 'convert', '', '-'],
  ['disk', 'create', 'b.vhd', '--parent', ''],
  ['disk', 'serve', 'a.vhd', '--undo', ''],
  ['undo', 'status', ''],
  ['sample', 'hello', '--out', ''],
])
  test(`${args.map((arg) => arg || '""').join(' ')}: an empty name is not the current folder`, () => {
    const { code, told } = runIn(root, args)
    assert.match(told, /^vivarium: The file name is empty\. /)
    assert.equal(code, 2)
    assert.deepEqual(readdirSync(root), ['a.vhd'])
  })
