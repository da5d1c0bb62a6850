import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { bin } from './server-process.ts'
import { freeBytes } from './small-file-system.ts'
import { missing } from './tools.ts'

/**
 * On a file system that can share blocks between files (reflink), a new image of a disk takes no room of its own for
 * what the disk's files store: copy_file_range, seen by the room that is left.
 */
const MiB = 1 << 20
const DATA_BYTES = 48 * MiB
/** Headers, tables, and what the file system itself writes down. */
const OF_ITS_OWN_BYTES = 4 * MiB
const run = promisify(execFile)

interface FileSystem {
  readonly name: string
  readonly make: readonly string[]
  readonly makers: string
}

const FILE_SYSTEMS: readonly FileSystem[] = [
  { name: 'btrfs', make: ['mkfs.btrfs', '-q'], makers: 'mkfs.btrfs' },
  { name: 'xfs', make: ['mkfs.xfs', '-q', '-m', 'reflink=1'], makers: 'mkfs.xfs' },
]

interface Copy {
  readonly from: string
  readonly to: string
  readonly args: readonly string[]
}

/** One out of the other: every format is written with shared blocks, and read. */
const COPIES: readonly Copy[] = [
  { from: 'disk.img', to: 'fixed.vhd', args: ['--subformat', 'fixed'] },
  { from: 'fixed.vhd', to: 'dynamic.vhd', args: [] },
  { from: 'dynamic.vhd', to: 'disk.vhdx', args: [] },
  { from: 'disk.vhdx', to: 'disk.qcow2', args: [] },
  { from: 'disk.qcow2', to: 'disk.vdi', args: [] },
  { from: 'disk.vdi', to: 'disk.vmdk', args: [] },
  { from: 'disk.vmdk', to: 'again.img', args: [] },
]

/** Empty and of its own; undefined, and the test skipped, where the host lets nobody mount one. */
function mounted(t: TestContext, { name, make }: FileSystem): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), `vivarium-${name}-`))
  const [image, place] = [join(folder, 'image'), join(folder, 'place')]
  mkdirSync(place)
  writeFileSync(image, '')
  truncateSync(image, 400 * MiB)
  const [command, ...args] = make
  assert.equal(spawnSync(command!, [...args, image]).status, 0, command)
  const { status } = spawnSync('mount', ['-t', name, '-o', 'loop', image, place])
  t.after(() => {
    if (status === 0) assert.equal(spawnSync('umount', [place]).status, 0, 'umount')
    rmSync(folder, { recursive: true, force: true })
  })
  if (status === 0) return place
  t.skip(`the host mounts no ${name}`)
  return undefined
}

/** As long as the file system thinks about it, it tells what was. */
async function settledFreeBytes(folder: string): Promise<number> {
  await run('sync', ['-f', folder])
  return freeBytes(folder)
}

for (const fileSystem of FILE_SYSTEMS)
  test(`on ${fileSystem.name} a converted disk shares the blocks of its source`, async (t) => {
    if (missing(t, fileSystem.makers, 'qemu-img')) return
    const folder = mounted(t, fileSystem)
    if (folder === undefined) return
    writeFileSync(join(folder, 'disk.img'), randomFillSync(Buffer.alloc(DATA_BYTES)))
    for (const { from, to, args } of COPIES) {
      const before = await settledFreeBytes(folder)
      await run(process.execPath, [bin, 'disk', 'convert', join(folder, from), join(folder, to), ...args])
      const taken = before - (await settledFreeBytes(folder))
      assert.ok(taken < OF_ITS_OWN_BYTES, `${to} took ${taken} bytes of its own`)
    }
    await run('cmp', [join(folder, 'disk.img'), join(folder, 'again.img')])
    await run('qemu-img', [
      'compare',
      '-f',
      'raw',
      '-F',
      'qcow2',
      ...['disk.img', 'disk.qcow2'].map((name) => join(folder, name)),
    ])
  })
