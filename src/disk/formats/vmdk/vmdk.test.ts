import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { cases } from '../../../base/testing.ts'
import { blobSource, readAsynchronously } from '../../async.ts'
import { reportOnDisk } from '../../inspect.ts'
import { openDisk, openDiskChain, probeFormat, readImage } from '../../open.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { contentOf, playSteps, type Step } from '../testing.ts'
import { createVmdk } from './create.ts'
import { descriptorStore, memoryFolder, newDisk, splitDisk, streamOf, variants } from './testing.ts'

const GRAIN = 65_536
const SIZE = 5 * GRAIN + 1536 // the last grain is a part of one

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constantFrom<Step['do']>('write', 'write', 'write', 'zeroes'),
        at: fc.oneof(
          fc.nat(SIZE - 1),
          fc.nat(SIZE / 512 - 1).map((sector) => sector * 512),
          fc.nat(5).map((grain) => grain * GRAIN),
        ),
        length: fc.oneof(fc.nat(2 * GRAIN), fc.constantFrom(512, 4096, GRAIN, 2 * GRAIN)),
        value: fc.integer({ min: 1, max: 255 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom<Step['do']>('flush', 'reopen'),
        at: fc.constant(0),
        length: fc.constant(0),
        value: fc.constant(0),
      }),
    },
  ),
  { maxLength: 8 },
)

for (const variant of variants) {
  test(`a ${variant.name} disk, and sparse children on it, hold what a plain array holds`, () => {
    fc.assert(
      fc.property(fc.array(steps, { minLength: 1, maxLength: 3 }), (layers) => {
        const folder = memoryFolder()
        const options = { surroundings: folder.surroundings }
        const model = new Uint8Array(SIZE)
        let stores: MemoryStore[] = []
        for (const [depth, list] of layers.entries()) {
          const child = variant.subformat.endsWith('Flat') && depth > 0 ? variants[0]! : variant
          stores = [newDisk(folder, child, `${depth}.vmdk`, SIZE, stores[0]), ...stores]
          const below = stores.slice(1).map((store) => store.bytes())
          const open = () =>
            openDiskChain(
              stores,
              stores.map(() => options),
              { writable: true },
            )
          assert.ok(Buffer.from(playSteps(open, model, list)).equals(model), 'content')
          assert.deepEqual(
            stores.slice(1).map((store) => store.bytes()),
            below,
            'parents never change',
          )
          const { problems } = readImage(stores[0]!, options).survey()
          assert.deepEqual(problems, [])
        }
        checkStream(
          openDiskChain(
            stores,
            stores.map(() => options),
          ),
          model,
        )
      }),
      { numRuns: cases(5, 25) },
    )
  })
}

const SIZES = [2 * GRAIN, GRAIN, SIZE - 3 * GRAIN]

test('disks of several extents hold what a plain array holds, and so do children of several', () => {
  fc.assert(
    fc.property(fc.boolean(), steps, steps, (flat, below, above) => {
      const folder = memoryFolder()
      const options = { surroundings: folder.surroundings }
      const model = new Uint8Array(SIZE)
      const parent = splitDisk(folder, 'parent', { sizes: SIZES, flat })
      const open = (stores: MemoryStore[]) => () =>
        openDiskChain(
          stores,
          stores.map(() => options),
          { writable: true },
        )
      assert.ok(Buffer.from(playSteps(open([parent]), model, below)).equals(model))
      const child = splitDisk(folder, 'child', { sizes: SIZES, parent })
      assert.ok(Buffer.from(playSteps(open([child, parent]), model, above)).equals(model))
    }),
    { numRuns: cases(8, 40) },
  )
})

/** The same content as a stream-optimized disk, packed or not. */
function checkStream(disk: ReturnType<typeof openDisk>, model: Uint8Array): void {
  for (const deflate of [undefined, (bytes: Uint8Array) => deflateSync(bytes)]) {
    const store = streamOf(disk, deflate)
    const { facts, survey } = readImage(store)
    assert.deepEqual([facts.subformat, facts.problems, survey().problems], ['streamOptimized', [], []])
    assert.ok(Buffer.from(contentOf(openDisk(store))).equals(model))
    const part = new Uint8Array(Math.min(5000, SIZE - 60_000))
    openDisk(store).read(60_000, part)
    assert.ok(Buffer.from(part).equals(model.subarray(60_000, 60_000 + part.length)))
    assert.throws(() => openDisk(store, { writable: true }), { code: 'vmdk-packed-read-only' })
  }
}

test('a packed disk that is dropped on a page is read by the same code', async () => {
  const store = newDisk(memoryFolder(), variants[0]!, 'x.vmdk', SIZE)
  const model = new Uint8Array(SIZE)
  const step: Step = { do: 'write', at: 1000, length: SIZE / 2, value: 3 }
  playSteps(() => openDisk(store, { writable: true }), model, [step])
  const blob = new Blob([streamOf(openDisk(store), (bytes) => deflateSync(bytes)).bytes()])
  const reader = readAsynchronously(blobSource(blob, 's.vmdk'))
  const disk = await reader.run((file) => openDisk(file))
  const into = new Uint8Array(SIZE)
  await reader.run(() => disk.read(0, into))
  assert.ok(Buffer.from(into).equals(model))
})

test('both copies of directory and tables are kept alike', () => {
  const folder = memoryFolder()
  for (const variant of variants.filter(({ subformat }) => subformat === 'monolithicSparse')) {
    const store = newDisk(folder, variant, 'x.vmdk', SIZE)
    const disk = openDisk(store, { writable: true })
    for (const grain of [0, 3, 5]) disk.write(grain * GRAIN, new Uint8Array(512).fill(9))
    disk.close()
    const bytes = store.bytes()
    const u32 = (at: number) => new DataView(bytes.buffer).getUint32(at, true)
    const [redundant, primary] = [u32(48) * 512, u32(56) * 512]
    for (let at = 0; at < 12 && u32(primary + at) !== 0; at += 4) {
      const [a, b] = [u32(primary + at) * 512, u32(redundant + at) * 512]
      assert.notEqual(a, b)
      const length = u32(44) * 4
      assert.deepEqual(bytes.subarray(a, a + length), bytes.subarray(b, b + length))
    }
    // Where only the copy is right, it is read.
    store.write(primary, Uint8Array.of(0xff, 0xff, 0xff, 0x7f))
    const into = new Uint8Array(1)
    openDisk(store).read(0, into)
    assert.equal(into[0], 9)
    assert.equal(readImage(store).survey().problems[0]?.code, 'vmdk-directory-damaged')
    assert.throws(() => openDisk(store, { writable: true }), { code: 'vmdk-directory-damaged' })
  }
})

test('the content id changes before the first write after opening, and only then', () => {
  const folder = memoryFolder()
  for (const variant of variants) {
    const store = newDisk(folder, variant, 'x.vmdk', SIZE)
    const options = { surroundings: folder.surroundings }
    const ids = [readImage(store).facts.id]
    openDisk(store, { writable: true, ...options }).close()
    assert.equal(readImage(store).facts.id, ids[0], 'opening alone changes nothing')
    for (let round = 0; round < 3; round++) {
      const disk = openDisk(store, { writable: true, ...options })
      disk.write(0, new Uint8Array(512))
      ids.push(readImage(store).facts.id)
      disk.write(GRAIN, new Uint8Array(512))
      assert.equal(readImage(store).facts.id, ids.at(-1))
      disk.close()
    }
    assert.equal(new Set(ids).size, 4)
  }
})

test('a child whose parent was changed is refused', () => {
  const folder = memoryFolder()
  const parent = newDisk(folder, variants[0]!, 'base.vmdk', SIZE)
  const child = newDisk(folder, variants[0]!, 'child.vmdk', SIZE, parent)
  assert.deepEqual(readImage(child).facts.parent?.names, [{ kind: 'relative', text: 'base.vmdk' }])
  openDiskChain([child, parent], []).close()
  assert.throws(() => openDisk(child), { code: 'disk-needs-parent' })
  const disk = openDisk(parent, { writable: true })
  disk.write(0, new Uint8Array(512))
  disk.close()
  assert.throws(() => openDiskChain([child, parent], []), { code: 'disk-parent-mismatch' })
})

test('a disk that is being written says so until it is closed', () => {
  const store = newDisk(memoryFolder(), variants[0]!, 'x.vmdk', SIZE)
  const disk = openDisk(store, { writable: true })
  disk.write(0, new Uint8Array(512).fill(1))
  assert.equal(readImage(store).facts.problems[0]?.code, 'vmdk-unclean-shutdown')
  disk.close()
  assert.deepEqual(readImage(store).facts.problems, [])
})

test('descriptors are read in the encoding that they name', () => {
  const head = '# Disk DescriptorFile\nversion=1\nCID=1\ncreateType=monolithicFlat\n'
  const names: [string, number[], string][] = [
    ['GBK', [0xb4, 0xc5, 0xc5, 0xcc], '磁盘'],
    ['Shift_JIS', [0x83, 0x66], 'デ'],
    ['windows-1252', [0xc4], 'Ä'],
    ['UTF-8', [0xc3, 0x84], 'Ä'],
  ]
  for (const [encoding, bytes, name] of names) {
    const text = Buffer.from(`${head}encoding="${encoding}"\nRW 16 FLAT "?.img" 0\n`)
    const at = text.indexOf('?')
    const store = memoryStore(
      Buffer.concat([text.subarray(0, at), Buffer.from(bytes), text.subarray(at + 1)]),
    )
    const asked: string[] = []
    const openSibling = (wanted: string) => {
      asked.push(wanted)
      return memoryStore(new Uint8Array(8192).fill(7))
    }
    const disk = openDisk(store, { surroundings: { openSibling } })
    assert.deepEqual([asked, contentOf(disk)[0]], [[`${name}.img`], 7])
  }
  const unknown = descriptorStore(`${head}encoding="x-klingon"\nRW 16 ZERO\n`)
  assert.equal(readImage(unknown).facts.problems[0]?.code, 'vmdk-encoding-unknown')
})

test('flat extents may begin inside their file, and zeroes need none', () => {
  const file = memoryStore(new Uint8Array(4096).map((_, index) => index >> 9))
  const store = descriptorStore(
    '# Disk DescriptorFile\nCID=fffffffe\ncreateType="custom"\nRW 2 FLAT "a" 3\nRW 3 ZERO\nRW 1 VMFS "a" 7\n',
  )
  const surroundings = { openSibling: () => file }
  const content = contentOf(openDisk(store, { surroundings }))
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((sector) => content[sector * 512]),
    [3, 4, 0, 0, 0, 7],
  )
  assert.throws(() => openDisk(store, { surroundings, writable: true }), { code: 'vmdk-extent-read-only' })
})

test('what is not ours to read is refused by its name', () => {
  const head = '# Disk DescriptorFile\nversion=1\nCID=1\n'
  const cases: [string, string][] = [
    [`${head}createType="seSparse"\nRW 16 SESPARSE "a.vmdk"\n`, 'vmdk-extent-type'],
    [`${head}createType="vmfsSparse"\nRW 16 VMFSSPARSE "a.vmdk"\n`, 'vmdk-extent-type'],
    [`${head}createType="fullDevice"\nRW 16 FLAT "\\\\.\\PhysicalDrive0" 0\n`, 'vmdk-extent-type'],
    [`${head}createType="monolithicFlat"\nNOACCESS 16 FLAT "a" 0\n`, 'vmdk-extent-type'],
    [`${head}createType="monolithicFlat"\n`, 'vmdk-extent-type'],
    [`${head}`, 'vmdk-descriptor'],
    [`${head}createType="x"\nRW 99999999999999 FLAT "a" 0\n`, 'vmdk-descriptor'],
    [`${head}createType="x"\nRW 0 FLAT "a" 0\n`, 'vmdk-size-zero'],
    ['COWD\x01\0\0\0', 'vmdk-esx-format'],
    ['\xbe\xba\xfe\xca\0\0\0\0', 'vmdk-esx-format'],
  ]
  for (const [text, code] of cases) {
    const store = descriptorStore(text)
    assert.equal(probeFormat(store)?.name, 'vmdk', text)
    assert.throws(() => readImage(store), { code }, text)
  }
  const twice = descriptorStore(`${head}createType="x"\nRW 16 SPARSE "a"\nRW 16 SPARSE "A"\n`)
  assert.throws(() => openDisk(twice), { code: 'vmdk-extent-twice' })
  const alone = descriptorStore(`${head}createType="monolithicFlat"\nRW 16 FLAT "a" 0\n`)
  assert.throws(() => openDisk(alone), { code: 'disk-extent-out-of-reach' })
})

test('an extent that is short, foreign or of another size is reported', () => {
  const folder = memoryFolder()
  newDisk(folder, variants[0]!, 'small.vmdk', GRAIN)
  folder.create('short').truncate(4096)
  for (const [line, code] of [
    ['RW 16 FLAT "short" 0', 'vmdk-extent-cut-short'],
    ['RW 16 FLAT "short" 9', 'vmdk-extent-cut-short'],
    ['RW 16 SPARSE "short"', 'vmdk-extent-not-sparse'],
    ['RW 256 SPARSE "small.vmdk"', 'vmdk-extent-size'],
    ['RW 16 SPARSE "gone"', 'disk-extent-missing'],
  ] as const) {
    const store = descriptorStore(`# Disk DescriptorFile\nCID=1\ncreateType="x"\n${line}\n`)
    const image = readImage(store, { surroundings: folder.surroundings })
    const report = reportOnDisk({ path: 'd', fileSize: 1, image, chain: [], chainProblems: [] })
    assert.deepEqual(
      report.problems.map((problem) => problem.code),
      [code],
      line,
    )
    assert.throws(() => contentOf(openDisk(store, { surroundings: folder.surroundings })), { code }, line)
  }
})

test('impossible disks are not made', () => {
  const make = (options: object) => () =>
    createVmdk(memoryStore(), { subformat: 'monolithicSparse', sizeBytes: 512, name: 'x.vmdk', ...options })
  assert.throws(make({ sizeBytes: 100 }), { code: 'vmdk-size-invalid' })
  assert.throws(make({ sizeBytes: 3 * 2 ** 40 }), { code: 'vmdk-size-invalid' })
  assert.throws(make({ name: 'a"b' }), { code: 'vmdk-name-invalid' })
  assert.throws(make({ subformat: 'monolithicFlat' }), { code: 'vmdk-siblings-invalid' })
  assert.throws(make({ subformat: 'monolithicFlat', parent: { id: '1', name: 'p' } }), {
    code: 'vmdk-parent-invalid',
  })
  assert.throws(make({ parent: { id: 'not hex', name: 'p' } }), { code: 'vmdk-parent-invalid' })
})
