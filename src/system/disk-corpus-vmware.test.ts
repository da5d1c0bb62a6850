import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import type { Disk } from '../disk/index.ts'
import { inspectDisk } from './disk-inspect.ts'
import { openDiskFile } from './disks.ts'

/** Every VMDK and VDI we have, real or made by QEMU, reads to the content that was recorded for it. */
const corpus = process.env.VIVARIUM_CORPUS ?? resolve(import.meta.dirname, '../../../shared/corpus')
const here = existsSync(join(corpus, 'manifest.json'))

interface Entry {
  readonly file: string
  readonly guest_sha256?: string
  readonly guest_bytes?: number
}

const entries: Entry[] = here ? JSON.parse(readFileSync(join(corpus, 'manifest.json'), 'utf8')) : []
const disks = entries.filter(
  ({ file, guest_sha256 }) => guest_sha256 !== undefined && /\.(vmdk|vdi)$/.test(file),
)

function hashOf(disk: Disk): string {
  const hash = createHash('sha256')
  const buffer = new Uint8Array(1 << 20)
  for (let at = 0; at < disk.sizeBytes; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, disk.sizeBytes - at))
    disk.read(at, piece)
    hash.update(piece)
  }
  return hash.digest('hex')
}

test('the corpus is here', (t) => {
  if (!here) return t.skip('corpus not here: set VIVARIUM_CORPUS')
  assert.ok(disks.length >= 10)
})

for (const entry of disks) {
  test(`${entry.file} reads to its recorded content`, () => {
    const path = join(corpus, entry.file)
    const disk = openDiskFile(path)
    assert.equal(disk.sizeBytes, entry.guest_bytes)
    assert.equal(hashOf(disk), entry.guest_sha256)
    disk.close()
    const { virtualSize, problems, partitionScheme } = inspectDisk(path)
    assert.equal(virtualSize, entry.guest_bytes)
    assert.notEqual(partitionScheme, 'unreadable')
    assert.deepEqual(problems, [])
  })
}

test('a report names the kind and the hardware version', (t) => {
  if (!here) return t.skip('corpus not here: set VIVARIUM_CORPUS')
  const { subformat, creator, id, geometry } = inspectDisk(join(corpus, 'vmdk/cosmos-filesystem-hw6.vmdk'))
  assert.deepEqual(
    [subformat, creator?.version, id, geometry?.cylinders],
    ['monolithicSparse', '6', '619b4205', 207],
  )
})

test('a descriptor in GBK is read; its extent is named and missing', (t) => {
  if (!here) return t.skip('corpus not here: set VIVARIUM_CORPUS')
  const path = join(corpus, 'vmdk/minios-flat-descriptor-gbk.vmdk')
  const { subformat, virtualSize, partitionScheme, problems } = inspectDisk(path)
  assert.deepEqual([subformat, virtualSize, partitionScheme], ['monolithicFlat', 16384 * 512, 'unreadable'])
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['disk-extent-missing'],
  )
  assert.match(problems[0]!.message, /"minios\.img"/)
  assert.throws(() => openDiskFile(path), { kind: 'not-found', code: 'disk-extent-missing' })
})
