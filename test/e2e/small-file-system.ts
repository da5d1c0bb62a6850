import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const MiB = 1 << 20

/** A file system of its own, small; only root can make one. */
export function smallFileSystem(t: TestContext, megabytes: number): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'vivarium-small-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
  t.after(() => {
    spawnSync('umount', [folder])
    rmSync(folder, { recursive: true, force: true })
  })
  if (mounted.status === 0) return folder
  t.skip('no tmpfs can be mounted here')
  return undefined
}

export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** Takes all the room of a file system but this. @returns The file that takes it. */
export function takeRoom(folder: string, left: number): string {
  const size = Math.max(0, freeBytes(folder) - Math.max(0, left))
  const ballast = join(folder, 'ballast')
  const piece = new Uint8Array(MiB).fill(1)
  for (let done = 0; done < size; done += MiB)
    writeFileSync(ballast, piece.subarray(0, Math.min(MiB, size - done)), { flag: 'a' })
  return ballast
}
