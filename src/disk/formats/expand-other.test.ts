import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KiB, MiB } from '../../base/index.ts'
import { randomFrom } from '../../base/testing.ts'
import type { DiskFormat } from '../format.ts'
import { bytesOf } from '../layout-testing.ts'
import { openDisk, openDiskChain, readImage } from '../open.ts'
import { sourceOf } from '../source.ts'
import { type MemoryStore, memoryStore } from '../testing.ts'
import { onlyFile, writeLayout } from '../write-layout.ts'
import { qcow2 } from './qcow2/qcow2.ts'
import { showSnapshot, takeSnapshot } from './qcow2/testing.ts'
import { journalOf } from './testing.ts'
import { vdi } from './vdi/vdi.ts'

/** QCOW2 and VDI disks that become larger in their files. */
interface Case {
  readonly title: string
  readonly format: DiskFormat
  readonly subformat: string
  readonly blockSize?: number
  readonly compat?: string
  readonly sizeBytes: number
  /** By a sector, within the last unit, by some units, and so that a table moves. */
  readonly sizes: readonly number[]
}

const small = { format: qcow2, subformat: 'dynamic', sizeBytes: 300 * KiB + 512 }
const smallSizes = [300 * KiB + 1024, 301 * KiB, 340 * KiB, 700 * KiB, 5 * MiB]
const large = {
  format: vdi,
  sizeBytes: 2 * MiB + 1536,
  sizes: [2 * MiB + 2048, 3 * MiB, 3 * MiB + 512, 5 * MiB],
}
const cases: readonly Case[] = [
  { title: 'QCOW2', ...small, blockSize: 512, sizes: smallSizes },
  { title: 'QCOW2 of version 2', ...small, blockSize: 512, compat: '0.10', sizes: smallSizes },
  { title: 'QCOW2 of large clusters', ...small, blockSize: 65_536, sizes: smallSizes },
  { title: 'dynamic VDI', ...large, subformat: 'dynamic' },
  { title: 'static VDI', ...large, subformat: 'static' },
]

function disk({ format, subformat, blockSize, compat, sizeBytes }: Case): MemoryStore {
  const content = new Uint8Array(sizeBytes)
  content.fill(1, 0, 1024)
  content.fill(2, 100 * KiB, 130 * KiB)
  content.fill(3, sizeBytes - 512)
  const source = sourceOf(openDisk(memoryStore(content), { format: 'raw' }))
  const layout = format.layout!(source, {
    subformat,
    name: 'disk',
    ...(blockSize !== undefined && { blockSize }),
    ...(compat !== undefined && { details: { compat } }),
  })
  const store = memoryStore(undefined, 'disk')
  writeLayout(onlyFile(layout), source, store)
  return store
}

for (const one of cases) {
  test(`a ${one.title} becomes larger in its file, with zeroes, and goes on to be written`, () => {
    for (const sizeBytes of one.sizes) {
      const store = disk(one)
      const before = readImage(store).facts
      const expected = new Uint8Array(sizeBytes)
      expected.set(bytesOf(openDisk(store)))
      assert.equal(one.format.expand!(store, sizeBytes), true)
      const { facts, survey } = readImage(store)
      assert.deepEqual([facts.problems, survey().problems], [[], []])
      assert.deepEqual([facts.id, facts.stamp], [before.id, before.stamp])
      const larger = openDisk(store, { writable: true })
      assert.ok(Buffer.from(bytesOf(larger)).equals(expected))
      larger.write(sizeBytes - 512, new Uint8Array(512).fill(7))
      larger.write(one.sizeBytes - 512, new Uint8Array(512).fill(8))
      expected.fill(7, sizeBytes - 512)
      expected.fill(8, one.sizeBytes - 512, one.sizeBytes)
      larger.close()
      assert.ok(Buffer.from(bytesOf(openDisk(store))).equals(expected))
      assert.deepEqual(readImage(store).survey().problems, [])
    }
  })

  test(`a ${one.title} is of the old size or of the new one after every prefix of its expansion`, () => {
    for (const lossy of [false, true])
      for (const [index, sizeBytes] of one.sizes.entries()) {
        const store = disk(one)
        const old = bytesOf(openDisk(store))
        const journal = journalOf(store.bytes(), 'disk')
        assert.equal(one.format.expand!(journal.store, sizeBytes), true)
        for (let length = 0; length <= journal.length; length++)
          for (let seed = 0; seed < (lossy ? 3 : 1); seed++) {
            const crashed = journal.rebuild(length, lossy, randomFrom(seed * 31 + index))
            const found = bytesOf(openDisk(crashed))
            const where = `${lossy}, ${sizeBytes}, ${length} of ${journal.length}`
            assert.ok(found.length === one.sizeBytes || found.length === sizeBytes, where)
            const expected = new Uint8Array(found.length)
            expected.set(old)
            assert.ok(Buffer.from(found).equals(expected), where)
            const damage = readImage(crashed)
              .survey()
              .problems.filter(({ code }) => code !== 'qcow2-leaked-clusters')
            assert.deepEqual(damage, [], where)
            // It can be done again.
            assert.equal(one.format.expand!(crashed, sizeBytes), true)
            assert.equal(openDisk(crashed).sizeBytes, sizeBytes)
          }
      }
  })
}

test('old bytes behind the end of the last unit do not come to light', () => {
  for (const one of [cases[2]!, cases[3]!]) {
    const store = disk(one)
    // The last unit is the last of the file.
    const bytes = store.bytes()
    const end = bytes.lastIndexOf(3) + 1
    store.write(end, new Uint8Array(1024).fill(0xee))
    assert.equal(one.format.expand!(store, one.sizeBytes + MiB), true)
    assert.ok(
      bytesOf(openDisk(store))
        .subarray(one.sizeBytes)
        .every((value) => value === 0),
    )
  }
})

test('snapshots keep their size, and hold back images that do not record it', () => {
  const store = disk(cases[0]!)
  const before = bytesOf(openDisk(store))
  takeSnapshot(store)
  const changed = openDisk(store, { writable: true })
  changed.write(0, new Uint8Array(512).fill(9))
  changed.close()
  assert.equal(qcow2.expand!(store, 5 * MiB), true)
  assert.equal(openDisk(store).sizeBytes, 5 * MiB)
  assert.deepEqual(readImage(store).survey().problems, [])
  showSnapshot(store)
  assert.deepEqual(bytesOf(openDisk(store)).subarray(0, before.length), before)
  const old = disk(cases[1]!)
  takeSnapshot(old)
  assert.throws(() => qcow2.expand!(old, MiB), { code: 'qcow2-snapshots-without-size' })
})

test('children, damaged disks and impossible sizes are left as they are', () => {
  for (const one of cases) {
    const store = disk(one)
    const before = store.bytes()
    assert.throws(() => one.format.expand!(store, one.sizeBytes - 512), { code: 'disk-expand-smaller' })
    assert.throws(() => one.format.expand!(store, one.sizeBytes + 1), { code: 'disk-size-invalid' })
    assert.throws(() => one.format.expand!(store, 2 ** 52), { kind: 'invalid' })
    assert.equal(one.format.expand!(store, one.sizeBytes), true)
    assert.deepEqual(store.bytes(), before)
  }
  for (const format of [qcow2, vdi]) {
    const parent = disk(cases.find((one) => one.format === format)!)
    const { id, sizeBytes } = readImage(parent).facts
    const source = sourceOf(openDiskChain([parent], []))
    const names = { relativePath: '.\\disk', absolutePath: '/disk' }
    const layout = format.layout!(source, {
      subformat: 'differencing',
      name: 'child',
      parent: { ...names, format: format.name, sizeBytes, ...(id !== undefined && { id }) },
    })
    const child = memoryStore()
    writeLayout(onlyFile(layout), source, child)
    const before = child.bytes()
    assert.equal(format.expand!(child, 8 * MiB), false)
    assert.deepEqual(child.bytes(), before)
  }
})
