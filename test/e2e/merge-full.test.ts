import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createDiskFile, openDiskFile, readMergeMarker } from '../../src/system/index.ts'
import { bin } from './server-process.ts'
import { smallFileSystem } from './small-file-system.ts'

/** Large merges in the real program, on a file system that has no room for them or loses it to somebody else. */
const MiB = 1 << 20
const SIZE = 128 * MiB

function hashOf(path: string): string {
  const disk = openDiskFile(path)
  const hash = createHash('sha256')
  const buffer = new Uint8Array(4 * MiB)
  for (let at = 0; at < disk.sizeBytes; at += buffer.length) {
    disk.read(at, buffer)
    hash.update(buffer)
  }
  disk.close()
  return hash.digest('hex')
}

function fill(path: string, start: number, step: number, length: number): void {
  const disk = openDiskFile(path, { writable: true })
  for (let at = start; at + length <= SIZE; at += step)
    disk.write(at, new Uint8Array(length).fill(1 + ((at / 512) % 250)))
  disk.close()
}

/** Waits for the first write: the room is there when the merge begins. */
async function begun(base: string, merge: ChildProcess): Promise<void> {
  while (merge.exitCode === null && merge.signalCode === null && readMergeMarker(base) === undefined)
    await delay(2)
}

test('a merge that does not fit is refused before it begins, with how much is missing', (t) => {
  const folder = smallFileSystem(t, 48)
  if (folder === undefined) return
  const [base, child] = [join(folder, 'base.vhd'), join(folder, 'child.vhd')]
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: SIZE })
  createDiskFile(child, { subformat: 'differencing', parent: base })
  fill(child, 0, 8 * MiB, MiB)
  const before = hashOf(child)
  const { bavail, bsize } = statfsSync(folder)
  const ballast = Math.max(0, bavail * bsize - 10 * MiB)
  execFileSync('sh', ['-c', `head -c ${ballast} /dev/zero | tr '\\0' x > ${join(folder, 'ballast')}`])
  const merge = spawnSync(process.execPath, [bin, 'disk', 'merge', child, '--json'], { encoding: 'utf8' })
  const { error } = JSON.parse(merge.stdout) as { error: { code: string; message: string; next: string } }
  assert.equal(error.code, 'host-enospc', error.message)
  assert.match(error.message, /Nothing was changed/)
  assert.match(error.next, /Free at least 6/)
  assert.equal(hashOf(child), before)
  assert.equal(readMergeMarker(base), undefined)
  rmSync(join(folder, 'ballast'))
  execFileSync(process.execPath, [bin, 'disk', 'merge', child, '--delete-child'], { stdio: 'ignore' })
  assert.equal(hashOf(base), before)
})

test('a disk that becomes full in the middle of a merge leaves the child whole', async (t) => {
  const folder = smallFileSystem(t, 160)
  if (folder === undefined) return
  const [base, child] = [join(folder, 'base.vhd'), join(folder, 'child.vhd')]
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: SIZE })
  createDiskFile(child, { subformat: 'differencing', parent: base })
  fill(child, 0, 4 * MiB, MiB + MiB / 2)
  const before = hashOf(child)
  const merge = spawn(process.execPath, [bin, 'disk', 'merge', child, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  merge.stdout.on('data', (data: Buffer) => {
    text += data
  })
  const ended = once(merge, 'close')
  await begun(base, merge)
  // Somebody else takes the room that was there.
  spawnSync('sh', ['-c', `head -c 150000000 /dev/zero | tr '\\0' x > ${join(folder, 'ballast')}`])
  await ended
  const answer = JSON.parse(text) as { error?: { code: string; next: string } }
  assert.equal(hashOf(child), before)
  rmSync(join(folder, 'ballast'))
  if (answer.error !== undefined) {
    assert.equal(answer.error.code, 'host-enospc')
    assert.match(answer.error.next, /Free at least/)
    assert.equal(readMergeMarker(base)?.state, 'merging')
    execFileSync(process.execPath, [bin, 'disk', 'merge', child], { stdio: 'ignore' })
  }
  assert.equal(hashOf(base), before)
})
