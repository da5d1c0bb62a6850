import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB } from '../base/index.ts'
import { createDiskFile, inspectDisk, openDiskFile } from '../system/index.ts'
import { clone, compact, convert, expand, split } from './index.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-data-base-'))
after(() => rmSync(root, { recursive: true, force: true }))

const control = {
  signal: new AbortController().signal,
  roots: [root],
  progress: () => undefined,
  note: () => undefined,
}

const [DESCRIPTOR_AT, DESCRIPTOR_BYTES] = [512, 20 * 512]
const UUID = '60 00 C2 9c 1e 8d 52 65-83 c7 fc 04 5d 06 19 fc'

function descriptorOf(path: string): string {
  const bytes = Buffer.alloc(DESCRIPTOR_BYTES)
  const file = openSync(path, 'r')
  readSync(file, bytes, 0, bytes.length, DESCRIPTOR_AT)
  closeSync(file)
  return bytes.toString('latin1').replace(/\0+$/, '')
}

/** What the data base says, by the keys as they are written. */
function dataBaseOf(path: string): Record<string, string> {
  const lines = descriptorOf(path).matchAll(/^ddb\.(\S+) = "(.*)"$/gm)
  return Object.fromEntries([...lines].map(([, key, value]) => [key!, value!]))
}

/** A sparse disk with a grain of zeroes to drop, and a data base as Workstation and VirtualBox write them. */
function newDisk(parent?: string): string {
  const path = join(mkdtempSync(join(root, 'disk-')), 'disk.vmdk')
  createDiskFile(path, {
    format: 'vmdk',
    ...(parent === undefined
      ? { subformat: 'monolithicSparse', sizeBytes: 4 * MiB }
      : { subformat: 'differencing', parent }),
  })
  // The end of the long content id is the content id, which is another after each writing.
  const disk = openDiskFile(path, { writable: true })
  disk.write(0, new Uint8Array(MiB).fill(7))
  disk.write(MiB, new Uint8Array(MiB).fill(1))
  disk.close()
  const zeroing = openDiskFile(path, { writable: true })
  zeroing.write(MiB, new Uint8Array(MiB))
  zeroing.close()
  const added = [
    ['toolsVersion', '10338'],
    ['toolsInstallType', '4'],
    ['geometry.biosCylinders', '8'],
    ['encoding', 'windows-1252'],
    ['longContentID', `4d0adb5d429429eed044b2a8${inspectDisk(path).id}`],
    ['thinProvisioned', '1'],
    ['uuid', UUID],
    ['uuid.parent', '60000000-0000-0000-0000-00000000000f'],
    ['comment', 'Gr\u00fc\u00dfe'],
  ].map(([key, value]) => `ddb.${key} = "${value}"\n`)
  const text = descriptorOf(path).replace('encoding="UTF-8"', 'encoding="windows-1252"') + added.join('')
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.from(text, 'latin1'), 0, text.length, DESCRIPTOR_AT)
  closeSync(file)
  return path
}

function keysOf(path: string): string[] {
  return Object.keys(dataBaseOf(path)).filter((key) => !/^(?:virtualHW|adapter|geometry\.[chs])/.test(key))
}

const OF_THE_DISK = [
  'toolsVersion',
  'toolsInstallType',
  'longContentID',
  'thinProvisioned',
  'uuid',
  'comment',
]
const withBios = OF_THE_DISK.toSpliced(2, 0, 'geometry.biosCylinders')

test('a sparse VMDK that is compacted keeps its data base', async () => {
  const path = newDisk()
  const before = dataBaseOf(path)
  const { savedByZeroes } = await compact.run(compact.schema.parse({ path }), control)
  assert.ok(savedByZeroes > 0)
  const now = dataBaseOf(path)
  assert.deepEqual(keysOf(path), withBios)
  for (const key of [...withBios, 'adapterType', 'geometry.cylinders'].filter((key) => key !== 'comment'))
    assert.equal(now[key], before[key], key)
  // Read in the old one's encoding, written in UTF-8.
  assert.equal(Buffer.from(now.comment!, 'latin1').toString('utf8'), 'Gr\u00fc\u00dfe')
  assert.deepEqual(inspectDisk(path).problems, [])
})

test('one that is expanded keeps all but what was of its old size', async () => {
  const path = newDisk()
  const before = dataBaseOf(path)
  const { how } = await expand.run(expand.schema.parse({ path, sizeBytes: 64 * MiB }), control)
  assert.equal(how, 'rewritten')
  const now = dataBaseOf(path)
  assert.deepEqual(keysOf(path), OF_THE_DISK)
  assert.equal(now.uuid, UUID)
  assert.deepEqual([before['geometry.cylinders'], now['geometry.cylinders']], ['8', '130'])
})

test('a copy has what is true of it too, and no other disk’s id', async () => {
  const path = newDisk()
  for (const [name, run] of [
    ['copy.vmdk', (target: string) => convert.run(convert.schema.parse({ source: path, target }), control)],
    [
      'clone.vmdk',
      (target: string) => clone.run(clone.schema.parse({ base: path, target, full: true }), control),
    ],
  ] as const) {
    const target = join(path, '..', name)
    await run(target)
    assert.deepEqual(keysOf(target), ['toolsVersion', 'toolsInstallType', 'geometry.biosCylinders'])
  }
})

test('a child keeps its parent’s id, until it is cut off', async () => {
  const path = newDisk(newDisk())
  await compact.run(compact.schema.parse({ path }), control)
  assert.ok(keysOf(path).includes('uuid.parent'))
  await split.run(split.schema.parse({ path }), control)
  assert.ok(!keysOf(path).includes('uuid.parent'))
  assert.equal(dataBaseOf(path).uuid, UUID)
})

test('a long content id that a writer left behind goes', async () => {
  const path = newDisk()
  const disk = openDiskFile(path, { writable: true })
  disk.write(MiB, new Uint8Array(512).fill(9))
  disk.close()
  await compact.run(compact.schema.parse({ path }), control)
  assert.deepEqual(
    keysOf(path),
    withBios.filter((key) => key !== 'longContentID'),
  )
})
