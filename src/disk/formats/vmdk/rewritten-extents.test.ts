import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asciiBytes, asciiOf, KiB } from '../../../base/index.ts'
import { bytesOf } from '../../layout-testing.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { sourceOf } from '../../source.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { writeLayout } from '../../write-layout.ts'
import { type MemoryFolder, memoryFolder, splitDisk } from './testing.ts'
import { vmdk } from './vmdk.ts'

const GRAIN = 64 * KiB
const SIZES = [2 * GRAIN, 3 * GRAIN, GRAIN + 7 * 512]
const SIZE = SIZES.reduce((sum, size) => sum + size)

function open({ files, surroundings }: MemoryFolder, names: readonly string[], writable = false) {
  const stores = names.map((name) => files.get(name)!)
  return openDiskChain(
    stores,
    stores.map(() => ({ surroundings })),
    { writable },
  )
}

/** A grain of zeroes in each extent, and content; over a parent also grains that show what it shows. */
function disk(hasParent: boolean): { folder: MemoryFolder; names: string[] } {
  const folder = memoryFolder()
  const below = hasParent ? [splitDisk(folder, 'parent', { sizes: SIZES })] : []
  const all = new Uint8Array(SIZE)
  for (let sector = 0; sector < SIZE / 512; sector++)
    all.fill(1 + (sector % 250), sector * 512, sector * 512 + 512)
  if (hasParent) open(folder, ['parent.vmdk'], true).write(0, all)
  splitDisk(folder, 'd', { sizes: SIZES, ...(below[0] && { parent: below[0] }) })
  const names = ['d.vmdk', ...below.map(({ name }) => name)]
  const opened = open(folder, names, true)
  opened.write(0, all.subarray(0, SIZE - GRAIN))
  for (const at of [GRAIN, 3 * GRAIN, 5 * GRAIN]) opened.write(at, new Uint8Array(GRAIN))
  opened.write(SIZE - 512, new Uint8Array(512).fill(0xaa))
  opened.close()
  return { folder, names }
}

for (const hasParent of [false, true])
  test(`extents written anew show the same, whichever are there${hasParent ? ', over a parent too' : ''}`, () => {
    const { folder, names } = disk(hasParent)
    const before = open(folder, names)
    const expected = bytesOf(before)
    const source = sourceOf(before, hasParent ? { layers: 1 } : {})
    const laid = vmdk.layoutExtents!(folder.files.get('d.vmdk')!, source, folder.surroundings)!
    assert.deepEqual(
      laid.map(({ file, offset, length }) => [file.name, offset, length]),
      [
        ['d-s001.vmdk', 0, SIZES[0]],
        ['d-s002.vmdk', 2 * GRAIN, SIZES[1]],
        ['d-s003.vmdk', 5 * GRAIN, SIZES[2]],
      ],
    )
    const fresh = laid.map(({ file }) => {
      const store = memoryStore(undefined, file.name)
      writeLayout(file, source, store)
      if (!hasParent) assert.ok(store.size() < folder.files.get(file.name)!.size())
      return store
    })
    for (let chosen = 0; chosen < 8; chosen++) {
      const mixed = memoryFolder()
      for (const [name, store] of folder.files) mixed.files.set(name, store)
      for (const [index, store] of fresh.entries())
        if (chosen & (1 << index)) mixed.files.set(store.name, store)
      assert.ok(Buffer.from(bytesOf(open(mixed, names))).equals(expected), String(chosen))
      const { survey } = readImage(mixed.files.get('d.vmdk')!, { surroundings: mixed.surroundings })
      assert.deepEqual(survey().problems, [])
    }
  })

test('what cannot be written anew extent by extent is refused; flat disks and single files are none of it', () => {
  const layOut = (folder: MemoryFolder, store: MemoryStore) =>
    vmdk.layoutExtents!(store, sourceOf(open(folder, ['d.vmdk'])), folder.surroundings)
  const uneven = memoryFolder()
  const store = splitDisk(uneven, 'd', { sizes: [GRAIN + 512, GRAIN] })
  assert.throws(() => layOut(uneven, store), { code: 'vmdk-uneven-extents' })
  const { folder, names } = disk(true)
  folder.files.get('d-s002.vmdk')!.write(20, Uint8Array.of(64))
  const child = folder.files.get(names[0]!)!
  assert.throws(
    () => vmdk.layoutExtents!(child, sourceOf(open(folder, ['parent.vmdk'])), folder.surroundings),
    {
      code: 'vmdk-uneven-extents',
    },
  )
  const flat = memoryFolder()
  assert.equal(layOut(flat, splitDisk(flat, 'd', { sizes: [GRAIN], flat: true })), undefined)
  const own = disk(false).folder
  const text = asciiOf(own.files.get('d.vmdk')!.bytes()).replace(/RW (\d+ SPARSE "d-s002)/, 'RDONLY $1')
  const named = layOut(own, memoryStore(asciiBytes(text), 'd.vmdk'))!.map(({ file }) => file.name)
  assert.deepEqual(named, ['d-s001.vmdk', 'd-s003.vmdk'])
  assert.equal(layOut(own, own.files.get('d-s001.vmdk')!), undefined)
})
