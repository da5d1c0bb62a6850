import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KiB } from '../../../base/index.ts'
import { contentOf, damagedCopies } from '../../formats/testing.ts'
import { createVhd } from '../../formats/vhd/create.ts'
import { withFooterChecksum } from '../../formats/vhd/footer.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { type Diagnosis, diagnose, doctorFor } from '../index.ts'
import { withChecksum } from './header-cure.ts'
import { vhdDoctor } from './vhd.ts'

const SIZE = 64 * KiB
const BLOCK = 8 * KiB
const STRIDE = BLOCK + 512
const BAT = 0x600

/** Blocks 0 to 3 are stored, in this order; block 3 in its first kilobyte only. */
function sample(type: 'fixed' | 'dynamic' | 'differencing', parent?: MemoryStore): MemoryStore {
  const store = memoryStore(undefined, `${type}.vhd`)
  const facts = parent && readImage(parent).facts
  createVhd(store, {
    type,
    sizeBytes: SIZE,
    ...(type !== 'fixed' && { blockSize: BLOCK }),
    id: new Uint8Array(16).fill(type.length),
    time: new Date('2005-01-01'),
    ...(facts && {
      parent: {
        ...{ id: facts.id!, stamp: facts.stamp! },
        ...{ absolutePath: '/disks/parent.vhd', relativePath: '.\\parent.vhd' },
      },
    }),
  })
  const disk = openDiskChain(parent ? [store, parent] : [store], [], { writable: true })
  for (let block = 0; block < 3; block++) disk.write(block * BLOCK, new Uint8Array(BLOCK).fill(0x10 + block))
  disk.write(3 * BLOCK, new Uint8Array(1024).fill(0x13))
  disk.close()
  return store
}

const base = sample('dynamic')
const samples = { fixed: sample('fixed'), dynamic: base, differencing: sample('differencing', base) }

function examine(store: MemoryStore, { deep = true, fixed = false } = {}): Diagnosis {
  const steps = diagnose(store, vhdDoctor, { deep, fixed, newId: () => new Uint8Array(16).fill(9) })
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Repairs, and shows that the plan was right: what is written is what was planned, and nothing is left to do. */
function repaired(store: MemoryStore, ...codes: string[]): MemoryStore {
  const found = examine(store)
  assert.deepEqual(
    found.problems.map(({ code }) => code),
    codes,
  )
  assert.ok(found.surgery.acts.length > 0)
  const after = memoryStore(store.bytes(), store.name)
  found.surgery.perform(after)
  assert.ok(Buffer.from(after.bytes()).equals(found.surgery.bytesAt(0, found.surgery.size)), 'as planned')
  const again = examine(after)
  assert.deepEqual(again.surgery.acts, [])
  assert.deepEqual(
    again.problems.filter(({ severity }) => severity !== 'note'),
    [],
  )
  assert.deepEqual(
    found.remaining.filter(({ severity }) => severity !== 'note'),
    [],
  )
  assert.deepEqual(readImage(after).survey().problems, [])
  return after
}

const damaged = (
  from: MemoryStore,
  change: (bytes: Uint8Array, view: DataView) => Uint8Array | undefined,
) => {
  const bytes = from.bytes()
  return memoryStore(change(bytes, new DataView(bytes.buffer)) ?? bytes, from.name)
}

const content = (store: MemoryStore) =>
  contentOf(openDiskChain(readImage(store).facts.parent ? [store, base] : [store], []))

function sameContent(store: MemoryStore, as: MemoryStore): void {
  assert.ok(Buffer.from(content(store)).equals(content(as)), 'content')
}

test('sound disks have nothing to be repaired', () => {
  for (const store of Object.values(samples)) {
    const { problems, surgery } = examine(store)
    assert.deepEqual(problems, [])
    assert.deepEqual(surgery.acts, [])
  }
})

for (const type of ['dynamic', 'differencing'] as const) {
  const whole = samples[type]
  const same = (store: MemoryStore, ...codes: string[]) => {
    const after = repaired(store, ...codes)
    assert.ok(Buffer.from(after.bytes()).equals(whole.bytes()), 'the very same file')
  }

  test(`footers of a ${type} disk come back from each other, byte by byte`, () => {
    same(
      damaged(whole, (bytes) => bytes.subarray(0, -512)),
      'vhd-tail-footer-lost',
    )
    same(
      damaged(whole, (bytes) => bytes.subarray(0, -200)),
      'vhd-tail-footer-lost',
    )
    same(
      damaged(whole, (bytes) => bytes.fill(0, 0, 512)),
      'vhd-head-footer-lost',
    )
  })
}

test('a damaged field or checksum of one footer, 511 bytes, and padding behind it', () => {
  const whole = samples.dynamic
  const end = whole.size() - 512
  const same = (store: MemoryStore, ...codes: string[]) =>
    assert.ok(Buffer.from(repaired(store, ...codes).bytes()).equals(whole.bytes()))
  same(
    damaged(whole, (bytes) => void bytes.fill(0x55, end + 50, end + 50 + 1)),
    'vhd-footer-checksum',
  )
  same(
    damaged(whole, (bytes) => void bytes.fill(0x55, 50, 50 + 1)),
    'vhd-head-footer-checksum',
  )
  same(
    damaged(whole, (bytes) => bytes.subarray(0, -1)),
    'vhd-footer-511',
  )
  same(
    damaged(whole, (bytes) => Uint8Array.from([...bytes, ...new Uint8Array(5000)])),
    'vhd-data-behind-footer',
  )
  same(
    damaged(
      whole,
      (bytes) => void bytes.set(withFooterChecksum(bytes.subarray(0, 512).fill(7, 100, 110)), 0),
    ),
    'vhd-footers-differ',
  )
  // Both have a wrong checksum: what the hand of an author made.
  repaired(
    damaged(whole, (bytes) => {
      for (const at of [0, end]) bytes[at + 67]! ^= 0x40
      return undefined
    }),
    'vhd-footer-checksum',
    'vhd-head-footer-checksum',
  )
})

test('a footer of another type or size than the file shows', () => {
  const whole = samples.dynamic
  const end = whole.size() - 512
  const wrongTail = damaged(whole, (bytes, view) => {
    view.setUint32(end + 60, 2)
    bytes.set(withFooterChecksum(bytes.subarray(end)), end)
    return undefined
  })
  sameContent(repaired(wrongTail, 'vhd-footer-contradicts-file'), whole)
  const noType = damaged(whole, (_, view) => {
    for (const at of [0, end]) view.setUint32(at + 60, 9)
    return undefined
  })
  sameContent(repaired(noType, 'vhd-type', 'vhd-footer-checksum', 'vhd-head-footer-checksum'), whole)
  const noSize = damaged(whole, (_, view) => {
    for (const at of [0, end]) view.setBigUint64(at + 48, 0n)
    return undefined
  })
  sameContent(repaired(noSize, 'vhd-size-wrong', 'vhd-footer-checksum', 'vhd-head-footer-checksum'), whole)
  const fixed = damaged(samples.fixed, (_, view) => {
    view.setBigUint64(SIZE + 48, 999n * 512n)
    return undefined
  })
  sameContent(repaired(fixed, 'vhd-size-wrong', 'vhd-footer-checksum'), samples.fixed)
})

test('both footers lost: the header tells all but the id', () => {
  const whole = samples.dynamic
  const store = damaged(whole, (bytes) => bytes.fill(0, 0, 512).subarray(0, -512))
  assert.equal(doctorFor(store), vhdDoctor)
  sameContent(repaired(store, 'vhd-footer-missing'), whole)
})

test('a file in which nothing speaks for a VHD gets a footer only when a person says what it is', () => {
  const lost = damaged(samples.fixed, (bytes) => bytes.subarray(0, -512))
  const noise = memoryStore(
    Uint8Array.from({ length: 1 << 20 }, (_, at) => at * 7),
    'noise.vhd',
  )
  const headless = damaged(samples.dynamic, (bytes) => bytes.fill(0, 0, 1536).subarray(0, -512))
  for (const store of [lost, noise, headless]) {
    const { problems, surgery } = examine(store)
    assert.deepEqual(surgery.acts, [])
    assert.match(problems[0]?.next ?? '', /--fixed/)
  }
  assert.equal(doctorFor(lost), vhdDoctor)
  const { surgery, remaining } = examine(lost, { fixed: true })
  assert.deepEqual(remaining, [])
  surgery.perform(lost)
  sameContent(lost, samples.fixed)
})

test('a fixed disk that was cut short is filled up; one with more is left', () => {
  const store = damaged(samples.fixed, (bytes) =>
    Uint8Array.from([...bytes.subarray(0, 4096), ...bytes.subarray(-512)]),
  )
  const after = repaired(store, 'vhd-data-cut-short')
  assert.deepEqual(content(after), content(samples.fixed).fill(0, 4096))
  const { problems, surgery } = examine(
    damaged(samples.fixed, (bytes) =>
      Uint8Array.from([...bytes.subarray(0, SIZE), ...new Uint8Array(1024), ...bytes.subarray(SIZE)]),
    ),
  )
  assert.deepEqual([problems[0]?.code, surgery.acts.length], ['vhd-data-behind-size', 0])
})

test('the dynamic header: every field that a checksum can prove, and a lost one', () => {
  const whole = samples.dynamic
  const change = (at: number, value: number) =>
    damaged(whole, (bytes) => void bytes.fill(value, 512 + at, 512 + at + 4))
  const same = (store: MemoryStore, ...codes: string[]) =>
    assert.ok(Buffer.from(repaired(store, ...codes).bytes()).equals(whole.bytes()))
  same(change(36, 1), 'vhd-header-checksum')
  same(change(0, 0x41), 'vhd-header-missing', 'vhd-header-checksum')
  same(change(24, 7), 'vhd-header-checksum')
  same(change(32, 0x13), 'vhd-header-checksum')
  same(change(28, 0), 'vhd-header-checksum')
  same(change(16, 1), 'vhd-header-checksum')
  same(change(20, 0xf0), 'vhd-header-checksum')
})

test('a lost header is made again where the table can be found', () => {
  const store = memoryStore(undefined, 'big.vhd')
  createVhd(store, { type: 'dynamic', sizeBytes: 8 << 20, id: new Uint8Array(16).fill(1) })
  const disk = openDiskChain([store], [], { writable: true })
  disk.write(2 << 20, new Uint8Array(4096).fill(5))
  disk.close()
  const whole = memoryStore(store.bytes(), store.name)
  const after = repaired(
    damaged(store, (bytes) => void bytes.fill(0, 512, 1536)),
    'vhd-header-missing',
  )
  assert.deepEqual(content(after), content(whole))
  const child = examine(damaged(samples.differencing, (bytes) => void bytes.fill(0, 512, 1536)))
  assert.deepEqual(
    child.problems.map(({ code }) => code),
    ['vhd-header-missing'],
  )
  assert.equal(child.surgery.acts.length, 0)
  assert.match(child.problems[0]!.next!, /cannot be repaired/)
})

test('a table with too few entries moves to where it has room', () => {
  const store = damaged(samples.dynamic, (bytes, view) => {
    view.setUint32(512 + 28, 5)
    bytes.set(withChecksum(bytes.subarray(512, 1536)), 512)
    return undefined
  })
  sameContent(repaired(store, 'vhd-bat-too-short'), samples.dynamic)
})

for (const type of ['dynamic', 'differencing'] as const) {
  const whole = samples[type]
  const bat = (bytes: Uint8Array, block: number) => new DataView(bytes.buffer).getUint32(BAT + block * 4)

  test(`blocks of a ${type} disk outside the file, on its structures, and on each other`, () => {
    for (const entry of [0x00ff_ffff, 0, 2, 3, 0xffff_fffe]) {
      const store = damaged(whole, (_, view) => void view.setUint32(BAT + 4, entry))
      const after = repaired(store, 'vhd-block-outside-file')
      const expected = content(whole)
      expected.set(
        type === 'dynamic' ? new Uint8Array(BLOCK) : content(base).subarray(BLOCK, 2 * BLOCK),
        BLOCK,
      )
      assert.deepEqual(content(after), expected)
    }
    for (const shift of [0, 1, 3]) {
      const store = damaged(whole, (bytes, view) => void view.setUint32(BAT + 4, bat(bytes, 2) + shift))
      const before = content(store)
      const found = examine(store).problems.map(({ code }) => code)
      assert.equal(found[0], 'vhd-blocks-overlap')
      const after = repaired(store, ...found)
      if (shift === 0) assert.deepEqual(content(after), before, 'shows what it showed')
      const disk = openDiskChain(type === 'dynamic' ? [after] : [after, base], [], { writable: true })
      disk.write(BLOCK, new Uint8Array(BLOCK).fill(0xee))
      disk.close()
      assert.deepEqual(content(after).subarray(2 * BLOCK, 3 * BLOCK), before.subarray(2 * BLOCK, 3 * BLOCK))
    }
  })

  test(`a ${type} disk that ends within a block`, () => {
    const last = bat(whole.bytes(), 3) * 512
    for (const cut of [last + 1024, last + 2048, last + STRIDE - 512]) {
      const store = damaged(whole, (bytes) => bytes.subarray(0, cut))
      const after = repaired(store, 'vhd-tail-footer-lost', 'vhd-block-truncated')
      assert.deepEqual(content(after).subarray(0, 3 * BLOCK), content(whole).subarray(0, 3 * BLOCK))
    }
    const withFooter = damaged(whole, (bytes) =>
      Uint8Array.from([...bytes.subarray(0, last + 2048), ...bytes.subarray(-512)]),
    )
    sameContent(repaired(withFooter, 'vhd-block-truncated'), whole)
  })
}

test('a table that is damaged as a whole is not touched', () => {
  const wild = examine(damaged(samples.dynamic, (bytes) => void bytes.fill(0x5a, BAT, BAT + 32)))
  assert.deepEqual([wild.problems[0]?.code, wild.surgery.acts.length], ['vhd-block-outside-file', 0])
  assert.match(wild.problems[0]!.next!, /cannot be repaired/)
})

test('data under a clear bit of a dynamic disk is shown by a repair; a sparse bitmap alone is well', () => {
  const whole = samples.dynamic
  const at = new DataView(whole.bytes().buffer).getUint32(BAT + 4) * 512
  const hidden = damaged(whole, (bytes) => void bytes.fill(0, at, at + 512))
  assert.deepEqual(examine(hidden, { deep: false }).problems, [], 'only a deep check reads data')
  sameContent(repaired(hidden, 'vhd-bitmap-hides-data'), whole)
  const honest = damaged(whole, (bytes) => void bytes.fill(0, at, at + STRIDE))
  assert.deepEqual(examine(honest).problems, [])
})

test('what is wrong with the names of a parent is said, and left to reparent', () => {
  const codes = (change: (bytes: Uint8Array, view: DataView) => void) =>
    examine(
      damaged(samples.differencing, (bytes, view) => {
        change(bytes, view)
        bytes.set(withChecksum(bytes.subarray(512, 1536)), 512)
        return undefined
      }),
    ).problems.map(({ code }) => code)
  const entry = 512 + 576
  assert.deepEqual(
    codes((_, view) => view.setUint32(entry + 20, 0x7fff_ffff)),
    ['vhd-locator-damaged'],
  )
  assert.deepEqual(
    codes((_, view) => view.setUint32(entry, 0x41424344)),
    ['vhd-locator-unknown'],
  )
  assert.deepEqual(
    codes((bytes, view) => void bytes.fill(0, view.getUint32(entry + 20), view.getUint32(entry + 20) + 8)),
    ['vhd-locator-damaged'],
  )
  assert.deepEqual(
    codes(
      (bytes, view) =>
        void bytes.fill(0x41, view.getUint32(entry + 20) + 14, view.getUint32(entry + 20) + 20),
    ),
    ['vhd-locators-disagree'],
  )
})

test('sizes beyond what the products take are said', () => {
  const store = memoryStore(undefined, 'huge.vhd')
  createVhd(store, { type: 'dynamic', sizeBytes: 200 * 2 ** 30, id: new Uint8Array(16).fill(1) })
  assert.deepEqual(
    examine(store, { deep: false }).problems.map(({ code }) => code),
    ['vhd-beyond-ide'],
  )
})

test('any damage ends in a diagnosis, and what it plans can be done', () => {
  for (const [type, whole] of Object.entries(samples)) {
    const structures = [0, 60, 512, 528, 1088, BAT, whole.size() - 512]
    for (const bytes of damagedCopies(whole.bytes(), structures, 150)) {
      const store = memoryStore(bytes, `${type}.vhd`)
      const { surgery } = examine(store)
      const after = memoryStore(bytes, store.name)
      surgery.perform(after)
      assert.ok(Buffer.from(after.bytes()).equals(surgery.bytesAt(0, surgery.size)))
      assert.deepEqual(examine(after).surgery.acts, [], 'a second repair has nothing to do')
    }
  }
})
