import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GiB, KiB, MiB, TiB } from '../../../base/index.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { memoryStore } from '../../testing.ts'
import { createVhd } from '../vhd/create.ts'
import { backingOf, qemuFormatOf } from './backing.ts'
import { createQcow2 } from './create.ts'
import { COPIED, highOf, isCopied, kindOf, lowOf, offsetOf, packedRangeOf } from './entries.ts'
import { MetadataMap } from './metadata-map.ts'
import type { NewQcow2 } from './new-image.ts'
import { readRefcount, writeRefcount } from './refcount-width.ts'

test('refcounts of every width are kept, and leave their neighbours alone', () => {
  const width = fc.constantFrom(1, 2, 4, 8, 16, 32, 64)
  fc.assert(
    fc.property(width, fc.array(fc.tuple(fc.nat(31), fc.nat()), { maxLength: 60 }), (bits, writes) => {
      const slice = new DataView(new ArrayBuffer((32 * bits) / 8))
      const model = new Array<number>(32).fill(0)
      for (const [index, value] of writes) {
        model[index] = value % 2 ** bits
        writeRefcount(slice, index, bits, model[index])
      }
      assert.deepEqual(
        model.map((_, index) => readRefcount(slice, index, bits)),
        model,
      )
    }),
  )
  const byte = new DataView(new ArrayBuffer(1))
  writeRefcount(byte, 0, 2, 3)
  assert.equal(byte.getUint8(0), 3, 'the first is in the least significant bits')
})

test('entries are taken apart as the specification says', () => {
  const at = 0x12_3456_7800 * 512
  assert.equal(offsetOf((highOf(at) | COPIED) >>> 0, lowOf(at)), at)
  assert.ok(isCopied((highOf(at) | COPIED) >>> 0))
  assert.deepEqual(
    [kindOf(0, 0), kindOf(0, 0x10000), kindOf(0, 1), kindOf(0, 0x10001), kindOf(0x4000_0000, 5)],
    ['absent', 'data', 'zero', 'zero', 'packed'],
  )
  // 64 KiB clusters: offset in bits 0 to 53, sectors in bits 54 to 61.
  assert.deepEqual(packedRangeOf(0x4000_0000 | (3 << 22), 0x50010, 16), {
    at: 0x50010,
    length: 4 * 512 - 0x10,
  })
  // 2 MiB clusters: bits 0 to 48, and 49 to 61.
  assert.deepEqual(packedRangeOf(0x4000_0001 | (4095 << 17), 0x200, 21), {
    at: 0x1_0000_0200,
    length: 4096 * 512,
  })
  // 512-byte clusters: bits 0 to 60, and 61.
  assert.deepEqual(packedRangeOf(0x6000_0000, 0x3ff, 9), { at: 0x3ff, length: 513 })
})

test('clusters of tables are known, also when they come and go', () => {
  const map = new MetadataMap([7, 3, 5])
  assert.deepEqual(
    [2, 3, 5, 6, 7, 8].map((cluster) => map.has(cluster)),
    [false, true, true, false, true, false],
  )
  map.add(6)
  map.delete(5)
  assert.deepEqual(
    [5, 6].map((cluster) => map.has(cluster)),
    [false, true],
  )
  map.add(5)
  assert.ok(map.has(5))
  assert.equal(map.doubled(), undefined)
  assert.equal(new MetadataMap([4, 1, 4]).doubled(), 4)
})

test('backing files are named in several ways', () => {
  const { reference } = backingOf('../bases/xp.img', 'raw', 'child')
  assert.deepEqual(reference, {
    stamp: 0,
    names: [{ kind: 'relative', text: '../bases/xp.img' }],
    format: 'raw',
  })
  assert.deepEqual(backingOf('/b/xp.vhd', 'vpc', 'child').reference, {
    stamp: 0,
    names: [{ kind: 'absolute', text: '/b/xp.vhd' }],
    format: 'vhd',
  })
  assert.equal(backingOf('file:a.qcow2', 'qcow2', 'child').reference.names[0]?.text, 'a.qcow2')
  assert.equal(backingOf('C:\\vm\\a.qcow2', 'qcow2', 'child').reference.names[0]?.kind, 'absolute')
  assert.deepEqual(backingOf('./a:b.qcow2', 'qcow2', 'child').problems, [])
  for (const name of ['json:{"driver":"raw"}', 'nbd:localhost:10809', 'https://host/a'])
    assert.equal(backingOf(name, 'raw', 'child').problems[0]?.code, 'qcow2-backing-protocol')
  assert.deepEqual([qemuFormatOf('vhd'), qemuFormatOf('raw')], ['vpc', 'raw'])
})

test('impossible images are refused before anything is written', () => {
  const create = (options: NewQcow2) => () => {
    const store = memoryStore()
    try {
      createQcow2(store, options)
    } finally {
      assert.equal(store.size(), 0)
    }
  }
  const backing = { path: 'a', format: 'raw' }
  for (const sizeBytes of [0, -512, 1000, Number.NaN, 2 ** 60])
    assert.throws(create({ sizeBytes }), { kind: 'invalid' })
  for (const clusterSize of [0, 256, 1000, 4 << 20]) {
    assert.throws(create({ sizeBytes: GiB, clusterSize }), { code: 'qcow2-cluster-size-invalid' })
  }
  assert.throws(create({ sizeBytes: TiB, clusterSize: 512 }), { code: 'qcow2-cluster-size-invalid' })
  assert.throws(create({ sizeBytes: GiB, refcountBits: 3 }), { code: 'qcow2-refcount-width-invalid' })
  assert.throws(create({ sizeBytes: GiB, refcountBits: 8, version: 2 }), {
    code: 'qcow2-refcount-width-invalid',
  })
  for (const path of ['', 'a\0b', 'x'.repeat(1024)])
    assert.throws(create({ sizeBytes: GiB, backing: { ...backing, path } }), {
      code: 'qcow2-backing-name-invalid',
    })
  assert.throws(
    create({ sizeBytes: GiB, clusterSize: 512, backing: { ...backing, path: 'x'.repeat(500) } }),
    {
      code: 'qcow2-backing-name-invalid',
    },
  )
})

test('new images of every shape are sound and empty', () => {
  for (const clusterSize of [512, 4 * KiB, 64 * KiB, 2048 * KiB]) {
    for (const refcountBits of [1, 16, 64]) {
      const store = memoryStore()
      createQcow2(store, { sizeBytes: GiB + 512, clusterSize, refcountBits })
      const image = readImage(store)
      assert.deepEqual([image.facts.sizeBytes, image.facts.blockSize], [GiB + 512, clusterSize])
      assert.deepEqual(image.survey(), { allocated: 0, problems: [] })
      const extents = [...openDiskChain([store], []).extents(0, GiB + 512)]
      assert.deepEqual(extents, [{ offset: 0, length: GiB + 512, kind: 'zero', layer: 0 }])
    }
  }
})

test('a disk of 2 TiB needs little memory, and finds its end', () => {
  const store = memoryStore()
  createQcow2(store, { sizeBytes: 2 * TiB })
  const disk = openDiskChain([store], [], { writable: true })
  disk.write(2 * TiB - 512, new Uint8Array(512).fill(9))
  disk.close()
  assert.ok(store.size() < 1 << 20)
  const into = new Uint8Array(1024)
  openDiskChain([store], []).read(2 * TiB - 1024, into)
  assert.deepEqual([into[511], into[512]], [0, 9])
})

test('a file that is two formats at once is not guessed at', () => {
  // The guest of a fixed VHD owns its first sector, the guest of a QCOW2 image may own the last of the file.
  const store = memoryStore()
  createVhd(store, { type: 'fixed', sizeBytes: MiB })
  const image = memoryStore()
  createQcow2(image, { sizeBytes: 64 * KiB, backing: { path: '/secret', format: 'raw' } })
  openDiskChain([store], [], { writable: true }).write(0, image.bytes().subarray(0, 512 * KiB))
  assert.throws(() => readImage(store), { code: 'disk-format-ambiguous', message: /Virtual Hard Disk.*QEMU/ })
  assert.equal(readImage(store, { format: 'vhd' }).facts.sizeBytes, MiB)
})
