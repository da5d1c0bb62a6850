import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { listFolder } from './folders.ts'

const folder = mkdtempSync(join(tmpdir(), 'vivarium-folders-'))
after(() => rmSync(folder, { recursive: true }))

test('folders come first, files say what they are, what cannot be opened is left out', () => {
  mkdirSync(join(folder, 'Zoo'))
  for (const name of ['b.vmc', 'A.VHD', 'c10.iso', 'c9.iso', '.hidden', 'notes.txt']) {
    writeFileSync(join(folder, name), 'x')
  }
  symlinkSync('/nowhere', join(folder, 'dangling'))
  const { entries, parent } = listFolder(folder)
  assert.deepEqual(
    entries.map(({ name, kind }) => [name, kind]),
    [
      ['Zoo', 'folder'],
      ['A.VHD', 'disk'],
      ['b.vmc', 'machine'],
      ['c9.iso', 'cd'],
      ['c10.iso', 'cd'],
      ['notes.txt', 'other'],
    ],
  )
  assert.ok(parent)
  assert.equal(listFolder('/').parent, undefined)
})

test('a folder that is not there is an error with its path', () => {
  const path = join(folder, 'none')
  assert.throws(() => listFolder(path), { kind: 'not-found', where: { path } })
})
