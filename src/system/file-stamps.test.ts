import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type FileStamp, isUnchanged, stampOf } from './file-stamps.ts'
import { openFileStore } from './files.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-stamps-'))
after(() => rmSync(root, { recursive: true, force: true }))

function stampNow(path: string): FileStamp {
  const store = openFileStore(path)
  const stamp = stampOf(store)
  store.close()
  assert.ok(stamp !== undefined)
  return stamp
}

/** As if the stamp had been taken long after the file's last change. */
function aged(stamp: FileStamp): FileStamp {
  return { ...stamp, takenMs: stamp.takenMs + 60_000 }
}

test('a file that changed a moment before the stamp may change again without a trace', () => {
  const path = join(root, 'young')
  writeFileSync(path, 'a')
  const stamp = stampNow(path)
  assert.ok(!isUnchanged(path, stamp))
  assert.ok(isUnchanged(path, aged(stamp)))
  const old = fileURLToPath(new URL('../../package.json', import.meta.url))
  assert.ok(isUnchanged(old, aged(stampNow(old))))
})

test('what was written to, replaced or removed since is seen', async () => {
  const path = join(root, 'disk')
  writeFileSync(path, 'a')
  const stamp = aged(stampNow(path))
  await new Promise((resolve) => setTimeout(resolve, 50))
  writeFileSync(path, 'b')
  assert.ok(!isUnchanged(path, stamp))
  const second = aged(stampNow(path))
  rmSync(path)
  assert.ok(!isUnchanged(path, second))
  writeFileSync(path, 'b')
  assert.ok(!isUnchanged(path, second))
})
