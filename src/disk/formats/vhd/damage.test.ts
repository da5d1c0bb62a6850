import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diskReportSchema } from '../../../api/report-schemas.ts'
import { KiB, VivariumError } from '../../../base/index.ts'
import { cases, randomBelow } from '../../../base/testing.ts'
import { reportOnDisk } from '../../inspect.ts'
import { openDiskChain, probeFormat, readImage } from '../../open.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { createVhd } from './create.ts'

const SIZE = 64 * KiB
const BLOCK = 8 * KiB

function sample(type: 'fixed' | 'dynamic' | 'differencing', parent?: MemoryStore): MemoryStore {
  const store = memoryStore(undefined, `${type}.vhd`)
  const facts = parent && readImage(parent).facts
  const names = { absolutePath: '/disks/parent.vhd', relativePath: '.\\parent.vhd' }
  createVhd(store, {
    type,
    sizeBytes: SIZE,
    blockSize: BLOCK,
    id: new Uint8Array(16).fill(type.length),
    time: new Date('2005-01-01'),
    ...(facts && { parent: { id: facts.id!, stamp: facts.stamp!, ...names } }),
  })
  const disk = openDiskChain(parent ? [store, parent] : [store], [], { writable: true })
  disk.write(1024, new Uint8Array(3 * BLOCK).fill(0x55))
  disk.close()
  return store
}

const parent = sample('dynamic')
const samples = { fixed: sample('fixed'), dynamic: parent, differencing: sample('differencing', parent) }

/** Everything one can do to a file. The only allowed outcomes: it works, or a VivariumError. */
function tryEverything(store: MemoryStore): void {
  allowed(() => probeFormat(store))
  allowed(() => {
    const image = readImage(store)
    const openDisk = () => openDiskChain(image.facts.parent ? [store, parent] : [store], [])
    const base = { path: 'x.vhd', fileSize: store.size(), image, chain: [], chainProblems: [] }
    diskReportSchema.parse(reportOnDisk({ ...base, openDisk }))
  })
  for (const writable of [false, true]) {
    allowed(() => {
      const needsParent = readImage(store).facts.parent !== undefined
      const disk = openDiskChain(needsParent ? [store, parent] : [store], [], { writable })
      const length = Math.min(disk.sizeBytes, 4 * BLOCK)
      allowed(() => disk.read(0, new Uint8Array(length)))
      allowed(() => disk.read(disk.sizeBytes - length, new Uint8Array(length)))
      allowed(() => [...disk.extents(0, length)])
      if (writable) allowed(() => disk.write(0, new Uint8Array(BLOCK)))
      disk.close()
    })
  }
}

function allowed(action: () => unknown): void {
  try {
    action()
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
  }
}

for (const [type, store] of Object.entries(samples)) {
  test(`a ${type} disk cut at any place is an error or still a disk`, () => {
    const whole = store.bytes()
    const structures = [
      0,
      511,
      512,
      513,
      1023,
      1535,
      1536,
      1600,
      2047,
      2048,
      2049,
      whole.length - 513,
      whole.length - 512,
    ]
    for (const length of [
      ...structures,
      ...Array.from({ length: 60 }, (_, i) => Math.floor((whole.length * i) / 60)),
    ])
      tryEverything(memoryStore(whole.subarray(0, length)))
  })

  test(`a ${type} disk with any bytes changed is an error or still a disk`, () => {
    const whole = store.bytes()
    const next = randomBelow(12345)
    // Most changes go where the structures are: the first 2.5 KB and the footer.
    const place = () => (next(10) < 7 ? next(2560) : whole.length - 1 - next(512))
    for (let run = 0; run < cases(250, 1200); run++) {
      const bytes = whole.slice()
      for (let changes = 1 + next(3); changes > 0; changes--)
        bytes[place()] = [0, 0xff, 0x80, next(256)][next(4)]!
      tryEverything(memoryStore(bytes))
    }
  })
}

test('the tail footer is found again by its copy, said, and restored by writing', () => {
  for (const damage of ['lost', 'changed', 'half'] as const) {
    const whole = samples.dynamic.bytes()
    if (damage === 'changed') whole[whole.length - 512 + 50]! ^= 0xff
    const store = memoryStore(
      damage === 'lost' ? whole.subarray(0, -512) : damage === 'half' ? whole.subarray(0, -256) : whole,
    )
    const [problem] = readImage(store).facts.problems
    assert.match(problem!.code, /vhd-(tail-footer-lost|footer-checksum)/)
    const disk = openDiskChain([store], [], { writable: true })
    const into = new Uint8Array(1)
    disk.read(1024, into)
    assert.equal(into[0], 0x55)
    disk.write(0, new Uint8Array(512).fill(1))
    disk.close()
    assert.deepEqual(readImage(store).facts.problems, [])
    assert.deepEqual(readImage(store).survey().problems, [])
  }
})

test('a lost head copy is said and restored', () => {
  const whole = samples.dynamic.bytes().fill(0, 0, 512)
  const store = memoryStore(whole)
  assert.equal(readImage(store).facts.problems[0]?.code, 'vhd-head-footer-lost')
  const disk = openDiskChain([store], [], { writable: true })
  disk.write(0, new Uint8Array(512))
  disk.close()
  assert.deepEqual(readImage(store).facts.problems, [])
})

test('a footer of 511 bytes is found in fixed and in dynamic disks', () => {
  for (const type of ['fixed', 'dynamic'] as const) {
    const store = memoryStore(samples[type].bytes().subarray(0, -1))
    assert.equal(probeFormat(store)?.name, 'vhd')
    const { facts } = readImage(store)
    assert.equal(facts.sizeBytes, SIZE)
    assert.equal(facts.problems.at(-1)?.code, 'vhd-footer-511')
    const disk = openDiskChain([store], [], { writable: true })
    disk.write(SIZE - 512, new Uint8Array(512).fill(7))
    disk.close()
    const into = new Uint8Array(SIZE)
    openDiskChain([store], []).read(0, into)
    assert.deepEqual([into[1024], into[SIZE - 1]], [0x55, 7])
  }
})

test('a block outside the file or on top of another is reported, readable around, and not written to', () => {
  const bat = 0x600
  const outside = samples.dynamic.bytes()
  outside.set([0x00, 0xff, 0xff, 0xff], bat + 4)
  const overlapping = samples.dynamic.bytes()
  overlapping.copyWithin(bat + 4, bat, bat + 4)
  for (const [bytes, code] of [
    [outside, 'vhd-block-outside-file'],
    [overlapping, 'vhd-blocks-overlap'],
  ] as const) {
    const store = memoryStore(bytes)
    assert.equal(readImage(store).survey().problems[0]?.code, code)
    assert.throws(() => openDiskChain([store], [], { writable: true }), { code })
    openDiskChain([store], []).read(0, new Uint8Array(BLOCK))
  }
  assert.throws(() => openDiskChain([memoryStore(outside)], []).read(BLOCK, new Uint8Array(1)), {
    code: 'vhd-block-outside-file',
  })
})

test('numbers that would need absurd memory are refused before it is taken', () => {
  const change = (at: number, value: number[], copyAt = at) => {
    const bytes = samples.dynamic.bytes()
    for (const place of [at, copyAt]) bytes.set(value, place)
    return () => readImage(memoryStore(bytes)).survey()
  }
  const end = samples.dynamic.size() - 512
  assert.throws(change(512 + 32, [0, 0, 2, 0]), { code: 'vhd-bat-too-short' }) // 512-byte blocks
  assert.throws(change(512 + 32, [0x80, 0, 0, 0]), { code: 'vhd-block-size' })
  assert.throws(change(512 + 16, [0, 0, 0xff, 0, 0, 0, 0, 0]), { code: 'vhd-bat-outside-file' })
  assert.throws(change(end + 48, [0, 0, 0xff, 0, 0, 0, 0, 0], 48), { code: 'vhd-too-many-blocks' })
})

test('a fixed disk that was cut short says so, and is not written to', () => {
  const whole = samples.fixed.bytes()
  const store = memoryStore(Uint8Array.from([...whole.subarray(0, 4096), ...whole.subarray(-512)]))
  assert.equal(readImage(store).survey().problems[0]?.code, 'vhd-data-cut-short')
  assert.throws(() => openDiskChain([store], [], { writable: true }), { code: 'vhd-data-cut-short' })
  assert.throws(() => openDiskChain([store], []).read(4096, new Uint8Array(1)), {
    code: 'vhd-data-cut-short',
  })
})
