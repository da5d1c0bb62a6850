import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openBootFile } from './boot-files.ts'

function bootFolder(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'boot-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const folder = join(root, 'served')
  mkdirSync(join(folder, 'Setup/i386'), { recursive: true })
  writeFileSync(join(root, 'secret'), 'secret')
  writeFileSync(join(folder, 'linux'), 'kernel')
  writeFileSync(join(folder, 'Setup/i386/NTLDR'), 'ntldr')
  const text = async (path: string) => {
    const file = await openBootFile(folder, path)
    if (file === undefined) return undefined
    const bytes = await file.read(0, file.size)
    file.close()
    return Buffer.from(bytes).toString()
  }
  return { root, folder, text }
}

test('files of the folder, by exact name first and then without case', async (t) => {
  const { folder, text } = bootFolder(t)
  writeFileSync(join(folder, 'LINUX'), 'other')
  assert.equal(await text('linux'), 'kernel')
  assert.equal(await text('LINUX'), 'other')
  assert.equal(await text('Linux'), 'other')
  assert.equal(await text('SETUP/I386/ntldr'), 'ntldr')
  assert.equal(await text('Setup/nothing'), undefined)
  assert.equal(await text('linux/x'), undefined)
})

test('parts of a file, and no more than there is', async (t) => {
  const { folder } = bootFolder(t)
  const file = await openBootFile(folder, 'linux')
  assert.equal(file?.size, 6)
  assert.equal(Buffer.from(await file.read(2, 3)).toString(), 'rne')
  assert.equal(Buffer.from(await file.read(4, 100)).toString(), 'el')
  assert.equal((await file.read(6, 1)).length, 0)
  assert.equal((await file.read(60, 1)).length, 0)
  file.close()
})

test('links within the folder are followed, links out of it and paths out of it are not', async (t) => {
  const { root, folder, text } = bootFolder(t)
  symlinkSync('Setup/i386/NTLDR', join(folder, 'inside'))
  symlinkSync('../secret', join(folder, 'relative'))
  symlinkSync(join(root, 'secret'), join(folder, 'absolute'))
  symlinkSync(root, join(folder, 'above'))
  symlinkSync('circle', join(folder, 'circle'))
  assert.equal(await text('inside'), 'ntldr')
  for (const path of ['relative', 'absolute', 'above/secret', 'circle', '../secret', '/etc/passwd'])
    assert.equal(await text(path), undefined, path)
  // A folder whose name begins alike is another one.
  mkdirSync(join(root, 'served2'))
  writeFileSync(join(root, 'served2/file'), 'other')
  assert.equal(await text('../served2/file'), undefined)
})

test('folders, pipes and devices are not served, and hold nobody up', async (t) => {
  const { folder, text } = bootFolder(t)
  execFileSync('mkfifo', [join(folder, 'pipe')])
  symlinkSync('/dev/zero', join(folder, 'zero'))
  for (const path of ['Setup', 'pipe', 'zero']) assert.equal(await text(path), undefined, path)
})

test('a folder that is not there has no files', async (t) => {
  const { root } = bootFolder(t)
  assert.equal(await openBootFile(join(root, 'nothing'), 'linux'), undefined)
})
