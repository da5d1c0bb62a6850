import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'
import { diskReportSchema } from '../../../api/report-schemas.ts'
import { VivariumError } from '../../../base/index.ts'
import { reportOnDisk } from '../../inspect.ts'
import { openDisk, openDiskChain, probeFormat, readImage } from '../../open.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { damagedCopies } from '../testing.ts'
import { formatSparseHeader, parseSparseHeader } from './sparse-header.ts'
import { memoryFolder, newDisk, streamOf, variants } from './testing.ts'

const GRAIN = 65_536
const SIZE = 5 * GRAIN

function filled(store: MemoryStore, below: MemoryStore[] = []): MemoryStore {
  const disk = openDiskChain([store, ...below], [], { writable: true })
  for (const grain of [0, 1, 4]) disk.write(grain * GRAIN + 512, new Uint8Array(3000).fill(0x55))
  disk.close()
  return store
}

const folder = memoryFolder()
const parent = filled(newDisk(folder, variants[0]!, 'parent.vmdk', SIZE))
const child = filled(newDisk(folder, variants[5]!, 'child.vmdk', SIZE, parent), [parent])
const stream = streamOf(openDisk(parent), (bytes) => deflateSync(bytes), 'stream.vmdk')
const flat = newDisk(folder, variants[1]!, 'flat.vmdk', SIZE)
const split = newDisk(folder, variants[2]!, 'split.vmdk', SIZE)
const options = { surroundings: folder.surroundings }

/** Everything one can do to a file. The only allowed outcomes: it works, or a VivariumError. */
function tryEverything(store: MemoryStore): void {
  allowed(() => probeFormat(store))
  allowed(() => {
    const image = readImage(store, options)
    const openIt = () => openDiskChain(image.facts.parent ? [store, parent] : [store], [options, options])
    const base = { path: 'x.vmdk', fileSize: store.size(), image, chain: [], chainProblems: [] }
    diskReportSchema.parse(reportOnDisk({ ...base, openDisk: openIt }))
  })
  for (const writable of [false, true]) {
    allowed(() => {
      const needsParent = readImage(store, options).facts.parent !== undefined
      const disk = openDiskChain(needsParent ? [store, parent] : [store], [options, options], { writable })
      const length = Math.min(disk.sizeBytes, 2 * GRAIN)
      allowed(() => disk.read(0, new Uint8Array(length)))
      allowed(() => disk.read(disk.sizeBytes - length, new Uint8Array(length)))
      allowed(() => [...disk.extents(0, length)])
      if (writable) allowed(() => disk.write(4096, new Uint8Array(4096)))
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

for (const [name, store, runs] of [
  ['sparse', parent, 120],
  ['differencing', child, 120],
  ['stream-optimized', stream, 120],
  ['flat', flat, 80],
  ['split', split, 80],
] as const) {
  test(`a ${name} disk that is cut or changed anywhere is an error or still a disk`, () => {
    const whole = store.bytes()
    const view = new DataView(whole.buffer)
    const end = whole.length
    const places = [0, 40, 512, 700]
    if (name === 'stream-optimized') places.push(GRAIN, GRAIN + 400, end - 1024, end - 1536, end - 2048)
    else if (name !== 'flat' && name !== 'split')
      places.push(
        view.getUint32(48, true) * 512,
        view.getUint32(56, true) * 512,
        view.getUint32(56, true) * 512 + 512,
      )
    for (const bytes of damagedCopies(whole, places, runs)) tryEverything(memoryStore(bytes, 'damaged.vmdk'))
  })
}

test('numbers that would need absurd memory or time are refused before they are taken', () => {
  const whole = parent.bytes()
  const header = parseSparseHeader(whole, { path: '', offset: 0 })
  const change = (changes: Partial<typeof header>) => {
    const bytes = whole.slice()
    bytes.set(formatSparseHeader({ ...header, ...changes }))
    return () => readImage(memoryStore(bytes)).survey()
  }
  // The directory would have 8 GiB, as in an image that once made other programs fall over.
  assert.throws(change({ capacity: 2 ** 43 }), { code: 'vmdk-header' })
  assert.throws(change({ capacity: 2 ** 52 }), { code: 'vmdk-header' })
  assert.throws(change({ grainSectors: 2 ** 40 }), { code: 'vmdk-header' })
  assert.throws(change({ grainSectors: 96 }), { code: 'vmdk-header' })
  assert.throws(change({ entriesPerTable: 0x7fff_ffff }), { code: 'vmdk-header' })
  assert.throws(change({ directory: 2 ** 50 }), { code: 'vmdk-header' })
  assert.throws(change({ version: 4 }), { code: 'vmdk-version' })
  assert.throws(change({ compression: 2 }), { code: 'vmdk-version' })
})

test('grains outside the file or on top of others are reported, readable around, and not written to', () => {
  const whole = parent.bytes()
  const view = new DataView(whole.buffer)
  const table = view.getUint32(view.getUint32(56, true) * 512, true) * 512
  const outside = whole.slice()
  outside.set([0xff, 0xff, 0xff, 0x7f], table + 4)
  const twice = whole.slice()
  twice.copyWithin(table + 4, table, table + 4)
  const onTable = whole.slice()
  new DataView(onTable.buffer).setUint32(table + 4, table / 512 - 2, true)
  for (const [bytes, code] of [
    [outside, 'vmdk-grain-outside-file'],
    [twice, 'vmdk-grains-overlap'],
    [onTable, 'vmdk-grains-overlap'],
  ] as const) {
    const store = memoryStore(bytes)
    assert.equal(readImage(store).survey().problems[0]?.code, code)
    assert.throws(() => openDisk(store, { writable: true }), { code })
    openDisk(store).read(0, new Uint8Array(GRAIN))
  }
  assert.throws(() => openDisk(memoryStore(outside)).read(GRAIN, new Uint8Array(1)), { kind: 'corrupt' })
})

test('a packed grain that was changed is noticed', () => {
  for (const at of [GRAIN, GRAIN + 8, GRAIN + 12, GRAIN + 20]) {
    const bytes = stream.bytes()
    bytes[at]! ^= 0x10
    assert.throws(
      () => openDisk(memoryStore(bytes)).read(0, new Uint8Array(4096)),
      { kind: 'corrupt' },
      `${at}`,
    )
  }
  const cut = memoryStore(stream.bytes().subarray(0, -2048))
  assert.throws(() => readImage(cut), { code: 'vmdk-footer-missing' })
  const longer = memoryStore(Buffer.concat([stream.bytes(), new Uint8Array(3 * 512)]))
  openDisk(longer).read(0, new Uint8Array(4096))
})

test('long lines and many extents of a descriptor take no more than their reading', () => {
  const text = (body: string) => memoryStore(new TextEncoder().encode(`# Disk DescriptorFile\n${body}`))
  const spaces = ' '.repeat(300_000)
  for (const body of [
    `encoding=${spaces}x\ncreateType="x"\nRW 1 ZERO\n`,
    `createType=${spaces}x${spaces}\nRW 1 ZERO\n`,
    `RW${spaces}1 FLAT "${spaces}`,
    `CID=${spaces}`,
    '='.repeat(300_000),
  ])
    allowed(() => readImage(text(body)))
  assert.throws(() => readImage(text('RW 1 ZERO\n'.repeat(20_000))), { code: 'vmdk-descriptor' })
})
