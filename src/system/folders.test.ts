import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { makeFolder, makePrivateFolder } from './folders.ts'

suite('folders', () => {
  const root = mkdtempSync(join(tmpdir(), 'folders-'))
  after(() => rmSync(root, { recursive: true }))

  test('every missing level is made, closed to others', () => {
    const path = join(root, 'one', 'two', 'three')
    makeFolder(path)
    makeFolder(path)
    for (const level of [path, join(root, 'one')]) assert.equal(statSync(level).mode & 0o777, 0o700)
  })

  test('a place where nothing can be made is refused, and does not loop', (t) => {
    if (!existsSync('/proc/self')) return t.skip('/proc is not here')
    assert.throws(() => makeFolder('/proc/vivarium/data'), { where: { path: '/proc/vivarium' } })
  })

  test('a file in the way is named', () => {
    const file = join(root, 'file')
    writeFileSync(file, '')
    assert.throws(() => makeFolder(file), { code: 'not-a-folder', where: { path: file } })
    assert.throws(() => makeFolder(join(file, 'below')), { kind: 'not-found' })
    symlinkSync(join(root, 'nowhere'), join(root, 'dangling'))
    assert.throws(() => makeFolder(join(root, 'dangling', 'x')), { code: 'host-eexist' })
    assert.throws(() => makeFolder('a\0b'), { name: 'VivariumError' })
  })

  test('a private folder is real, ours and closed', () => {
    const path = join(root, 'private')
    makePrivateFolder(path, 'Next.')
    makePrivateFolder(path, 'Next.')
    chmodSync(path, 0o750)
    const refusal = { code: 'folder-not-private', kind: 'denied', next: 'Next.' }
    assert.throws(() => makePrivateFolder(path, 'Next.'), refusal)
    mkdirSync(join(root, 'target'), { mode: 0o700 })
    symlinkSync(join(root, 'target'), join(root, 'link'))
    assert.throws(() => makePrivateFolder(join(root, 'link'), 'Next.'), refusal)
  })
})
