import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, suite, test } from 'node:test'
import { demandRegularFile, openFileStore } from './files.ts'
import { systemError } from './system-error.ts'

suite('errors of the host', () => {
  const root = mkdtempSync(join(tmpdir(), 'errors-'))
  after(() => rmSync(root, { recursive: true }))

  const refusal = (action: () => unknown, path = root) => {
    try {
      action()
    } catch (error) {
      return systemError(error, path)
    }
    return assert.fail('nothing was thrown')
  }

  test('paths that the host does not take are told in a sentence, with a next step', () => {
    symlinkSync(join(root, 'loop'), join(root, 'loop'))
    for (const [path, code] of [
      [join(root, 'x'.repeat(300)), 'host-enametoolong'],
      [join(root, 'loop'), 'host-eloop'],
      [`${root}/a\0b`, 'host-err-invalid-arg-value'],
    ] as const) {
      const error = refusal(() => openSync(path, 'r'), path)
      assert.deepEqual([error.kind, error.code, error.where.path], ['invalid', code, path])
      assert.ok(error.next)
      assert.doesNotMatch(error.message, /answered/)
    }
  })

  test('what SQLite answers is told like what a file answers', () => {
    const path = join(root, 'no.sqlite')
    writeFileSync(path, 'This is certainly not a database.'.repeat(40))
    const error = refusal(() => new DatabaseSync(path).exec('CREATE TABLE t (a)'), path)
    assert.deepEqual([error.kind, error.code], ['malformed', 'database-26'])
    const full = systemError({ code: 'ERR_SQLITE_ERROR', errcode: 13 }, path)
    assert.deepEqual([full.kind, full.message], ['io', 'The disk is full.'])
    // 778 is SQLITE_IOERR_WRITE: an extended code says the same as its primary one.
    assert.equal(systemError({ code: 'ERR_SQLITE_ERROR', errcode: 778 }, path).code, 'database-10')
  })

  test('a pipe with nobody at its other end is refused at once', (t) => {
    const path = join(root, 'pipe')
    try {
      execFileSync('mkfifo', [path])
    } catch {
      return t.skip('mkfifo is not here')
    }
    assert.throws(() => openFileStore(path), { code: 'not-a-regular-file', where: { path } })
    assert.throws(() => openFileStore(path, { writable: true }), { code: 'not-a-regular-file' })
    assert.throws(() => demandRegularFile(path), { code: 'not-a-regular-file' })
    assert.throws(() => demandRegularFile(root), { where: { path: root } })
  })
})
