import assert from 'node:assert/strict'
import { test } from 'node:test'
import { viewOf } from '../../base/index.ts'
import { createQcow2 } from '../formats/qcow2/create.ts'
import { contentOf, damagedCopies } from '../formats/testing.ts'
import { createVdi } from '../formats/vdi/create.ts'
import { crc32c } from '../formats/vhdx/crc32c.ts'
import { createVhdx } from '../formats/vhdx/create.ts'
import { createVmdk } from '../formats/vmdk/create.ts'
import { openDisk, readImage } from '../open.ts'
import { type MemoryStore, memoryStore } from '../testing.ts'
import { type Diagnosis, diagnose, doctorFor } from './index.ts'

const MIB = 1 << 20

function examine(store: MemoryStore, format: string): Diagnosis {
  const doctor = doctorFor(store, format)
  assert.ok(doctor)
  const steps = diagnose(store, doctor, { deep: true, newId: () => new Uint8Array(16) })
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

const codesOf = ({ problems }: Diagnosis) => problems.map(({ code }) => code)

function repaired(store: MemoryStore, format: string, ...codes: string[]): MemoryStore {
  const found = examine(store, format)
  assert.deepEqual(codesOf(found), codes)
  assert.ok(found.surgery.acts.length > 0)
  const after = memoryStore(store.bytes(), store.name)
  found.surgery.perform(after)
  assert.ok(Buffer.from(after.bytes()).equals(found.surgery.bytesAt(0, found.surgery.size)), 'as planned')
  const again = examine(after, format)
  assert.deepEqual([codesOf(again), again.surgery.acts], [[], []])
  assert.deepEqual(found.remaining, [])
  assert.deepEqual(readImage(after, { format }).survey().problems, [])
  openDisk(memoryStore(after.bytes()), { format, writable: true }).close()
  return after
}

function filled(create: (store: MemoryStore) => void, name: string): MemoryStore {
  const store = memoryStore(undefined, name)
  create(store)
  const disk = openDisk(store, { writable: true })
  for (let piece = 0; piece < 3; piece++) disk.write(piece * MIB, new Uint8Array(MIB).fill(0x21 + piece))
  disk.close()
  return store
}

const damaged = (
  from: MemoryStore,
  change: (bytes: Uint8Array, view: DataView) => Uint8Array | undefined,
) => {
  const bytes = from.bytes()
  return memoryStore(change(bytes, viewOf(bytes)) ?? bytes, from.name)
}
const content = (store: MemoryStore) => contentOf(openDisk(store))
const same = (one: MemoryStore, other: MemoryStore) =>
  assert.ok(Buffer.from(content(one)).equals(content(other)), 'content')

const samples: Record<string, MemoryStore> = {
  vhdx: filled(
    (store) => createVhdx(store, { type: 'dynamic', sizeBytes: 4 * MIB, blockSize: MIB }),
    'disk.vhdx',
  ),
  qcow2: filled((store) => createQcow2(store, { sizeBytes: 4 * MIB }), 'disk.qcow2'),
  vdi: filled((store) => createVdi(store, { type: 'dynamic', sizeBytes: 4 * MIB }), 'disk.vdi'),
  vmdk: filled(
    (store) => createVmdk(store, { subformat: 'monolithicSparse', sizeBytes: 4 * MIB, name: 'disk.vmdk' }),
    'disk.vmdk',
  ),
}

test('sound disks have nothing to be repaired', () => {
  for (const [format, store] of Object.entries(samples)) {
    const { problems, surgery } = examine(store, format)
    assert.deepEqual([format, problems, surgery.acts], [format, [], []])
  }
})

test('VHDX: headers and region tables mend each other', () => {
  const whole = samples.vhdx!
  for (const at of [64 << 10, 128 << 10])
    same(
      repaired(
        damaged(whole, (bytes) => void bytes.fill(9, at, at + 64)),
        'vhdx',
        'vhdx-header-lost',
      ),
      whole,
    )
  for (const at of [192 << 10, 256 << 10])
    same(
      repaired(
        damaged(whole, (bytes) => void bytes.fill(9, at, at + 64)),
        'vhdx',
        'vhdx-region-table-lost',
      ),
      whole,
    )
  same(
    repaired(
      damaged(whole, (bytes) => void bytes.fill(0, 0, 8)),
      'vhdx',
      'vhdx-signature',
    ),
    whole,
  )
  const both = examine(
    damaged(whole, (bytes) => void bytes.fill(0, 64 << 10, 192 << 10)),
    'vhdx',
  )
  assert.deepEqual([codesOf(both), both.surgery.acts.length], [['vhdx-headers-lost'], 0])
  const noise = examine(memoryStore(new Uint8Array(2 << 20).fill(7), 'noise.vhdx'), 'vhdx')
  assert.deepEqual(noise.surgery.acts, [], 'what nothing shows to be a VHDX gets no identifier')
})

test('VHDX: a log is replayed, and one that is damaged or empty is given up', () => {
  const store = memoryStore(samples.vhdx!.bytes(), 'disk.vhdx')
  const disk = openDisk(store, { writable: true })
  disk.write(3 * MIB, new Uint8Array(4096).fill(0x44))
  disk.flush() // and never closed
  const expected = content(memoryStore(store.bytes()))
  const after = repaired(memoryStore(store.bytes(), store.name), 'vhdx', 'vhdx-log-not-replayed')
  assert.deepEqual(content(after), expected)
  const logAt = MIB
  const emptied = damaged(store, (bytes) => void bytes.fill(0, logAt, logAt + MIB))
  repaired(emptied, 'vhdx', 'vhdx-log-without-entries')
  const impossible = damaged(store, (bytes, view) => {
    view.setBigUint64(logAt + 48, 1n << 40n, true)
    const length = view.getUint32(logAt + 8, true)
    view.setUint32(logAt + 4, 0, true)
    view.setUint32(logAt + 4, crc32c(bytes.subarray(logAt, logAt + length)), true)
    return undefined
  })
  repaired(impossible, 'vhdx', 'vhdx-log-damaged')
})

test('VHDX: blocks outside the file, in no state, on each other, and cut off', () => {
  const whole = samples.vhdx!
  const bat = findBat(whole)
  const entry = (view: DataView, block: number) => view.getBigUint64(bat + block * 8, true)
  const set = (block: number, value: (view: DataView) => bigint) =>
    damaged(whole, (_, view) => void view.setBigUint64(bat + block * 8, value(view), true))
  const lost = content(whole).fill(0, MIB, 2 * MIB)
  for (const [value, code] of [
    [() => (0xfffffn << 20n) | 6n, 'vhdx-block-outside-file'],
    [() => 6n, 'vhdx-block-outside-file'],
    [(view: DataView) => entry(view, 1) - 1n, 'vhdx-block-state'],
  ] as const)
    assert.deepEqual(content(repaired(set(1, value), 'vhdx', code)), lost)
  const twice = set(1, (view) => entry(view, 2))
  const shown = content(twice)
  assert.deepEqual(content(repaired(twice, 'vhdx', 'vhdx-blocks-overlap')), shown)
  const cut = damaged(whole, (bytes) => bytes.subarray(0, -1000))
  const after = content(repaired(cut, 'vhdx', 'vhdx-block-truncated'))
  assert.deepEqual(after.subarray(0, 2 * MIB), content(whole).subarray(0, 2 * MIB))
})

function findBat(store: MemoryStore): number {
  const view = viewOf(store.bytes())
  const first = 192 * 1024 + 16
  return Number(
    view.getBigUint64((view.getUint32(first, true) === 0x2dc27766 ? first : first + 32) + 16, true),
  )
}

const C = 65536

test('QCOW2: refcounts too low, too high, and lost', () => {
  const whole = samples.qcow2!
  const view = viewOf(whole.bytes())
  const table = Number(view.getBigUint64(48))
  const block = Number(view.getBigUint64(table))
  const l1 = Number(view.getBigUint64(40))
  const l2 = Number(view.getBigUint64(l1) & 0xffffffffffff00n)
  const data = Number(view.getBigUint64(l2) & 0xffffffffffff00n)
  const counted = (at: number, value: number) =>
    damaged(whole, (_, changed) => void changed.setUint16(block + (at / C) * 2, value))
  for (const at of [0, l2, data]) same(repaired(counted(at, 0), 'qcow2', 'qcow2-refcount-too-low'), whole)
  same(repaired(counted(whole.size() + 3 * C, 1), 'qcow2', 'qcow2-leaked-clusters'), whole)
  same(repaired(counted(data, 7), 'qcow2', 'qcow2-leaked-clusters'), whole)
  const lost = damaged(whole, (bytes) => void bytes.fill(0xee, table, table + 8))
  same(repaired(lost, 'qcow2', 'qcow2-refcounts-outside-file'), whole)
  const nowhere = damaged(whole, (_, changed) => void changed.setBigUint64(48, 1n << 50n))
  same(repaired(nowhere, 'qcow2', 'qcow2-refcounts-outside-file'), whole)
  const unlisted = damaged(whole, (bytes) => void bytes.fill(0, table, table + 8))
  same(repaired(unlisted, 'qcow2', 'qcow2-refcount-too-low'), whole)
})

test('QCOW2: marks, entries that point nowhere, shared clusters, data on tables', () => {
  const whole = samples.qcow2!
  const view = viewOf(whole.bytes())
  const l1 = Number(view.getBigUint64(40))
  const l2 = Number(view.getBigUint64(l1) & 0xffffffffffff00n)
  for (const [bit, code] of [
    [1n, 'qcow2-marked-dirty'],
    [2n, 'qcow2-marked-corrupt'],
  ] as const)
    same(
      repaired(
        damaged(whole, (_, changed) => void changed.setBigUint64(72, bit)),
        'qcow2',
        code,
      ),
      whole,
    )
  const entry = (value: bigint) => damaged(whole, (_, changed) => void changed.setBigUint64(l2 + 8, value))
  const old = view.getBigUint64(l2 + 8)
  same(repaired(entry(old & ~(1n << 63n)), 'qcow2', 'qcow2-copied-flag'), whole)
  for (const wrong of [(1n << 63n) | (1n << 40n), old + 512n]) {
    const after = repaired(entry(wrong), 'qcow2', 'qcow2-cluster-outside-file', 'qcow2-leaked-clusters')
    assert.deepEqual(content(after), content(whole).fill(0, C, 2 * C))
  }
  const shared = entry(view.getBigUint64(l2))
  const shown = content(shared)
  assert.deepEqual(
    content(
      repaired(shared, 'qcow2', 'qcow2-refcount-too-low', 'qcow2-leaked-clusters', 'qcow2-copied-flag'),
    ),
    shown,
  )
  const onHeader = damaged(whole, (_, changed) => void changed.setBigUint64(l2 + 8, (1n << 63n) | BigInt(l2)))
  repaired(onHeader, 'qcow2', 'qcow2-tables-overlap', 'qcow2-refcount-too-low', 'qcow2-leaked-clusters')
})

test('VDI: the count, blocks outside, twice, and cut off', () => {
  const whole = samples.vdi!
  same(
    repaired(
      damaged(whole, (_, view) => void view.setUint32(0x184, 1, true)),
      'vdi',
      'vdi-count-too-low',
    ),
    whole,
  )
  const map = viewOf(whole.bytes()).getUint32(0x154, true)
  const set = (value: number) => damaged(whole, (_, view) => void view.setUint32(map + 4, value, true))
  assert.deepEqual(
    content(repaired(set(77), 'vdi', 'vdi-block-outside-file')),
    content(whole).fill(0, MIB, 2 * MIB),
  )
  const twice = set(2)
  const shown = content(twice)
  assert.deepEqual(content(repaired(twice, 'vdi', 'vdi-blocks-overlap', 'vdi-count-too-low')), shown)
  const cut = damaged(whole, (bytes) => bytes.subarray(0, -1000))
  const after = content(repaired(cut, 'vdi', 'vdi-block-truncated'))
  assert.deepEqual(after.subarray(0, 2 * MIB), content(whole).subarray(0, 2 * MIB))
})

test('VMDK: directory and tables mend each other', () => {
  const whole = samples.vmdk!
  const view = viewOf(whole.bytes())
  const [redundant, primary] = [48, 56].map((at) => Number(view.getBigUint64(at, true)) * 512) as [
    number,
    number,
  ]
  const table = view.getUint32(primary, true) * 512
  const set = (at: number, value: number) =>
    damaged(whole, (_, changed) => void changed.setUint32(at, value, true))
  same(repaired(set(primary, 0x7fff_ffff), 'vmdk', 'vmdk-directory-damaged'), whole)
  same(repaired(set(redundant, 0x7fff_ffff), 'vmdk', 'vmdk-copies-differ'), whole)
  same(repaired(set(view.getUint32(redundant, true) * 512 + 4, 5), 'vmdk', 'vmdk-copies-differ'), whole)
  same(
    repaired(
      damaged(whole, (bytes) => void bytes.fill(1, 72, 73)),
      'vmdk',
      'vmdk-unclean-shutdown',
    ),
    whole,
  )
  same(repaired(set(table + 4, 0x7fff_ffff), 'vmdk', 'vmdk-copies-differ'), whole)
  const both = damaged(whole, (_, changed) => {
    for (const at of [table, view.getUint32(redundant, true) * 512])
      changed.setUint32(at + 4, 0x7fff_ffff, true)
    return undefined
  })
  const grain = 65536
  const lossy = examine(both, 'vmdk').surgery.acts.find(({ loses }) => loses)
  assert.match(lossy!.what, /grain table 0, and mark 1 grain of it as absent/)
  assert.match(lossy!.why, /lost \(64 KiB\).* 65536 to 131071\./)
  assert.deepEqual(
    content(repaired(both, 'vmdk', 'vmdk-copies-differ', 'vmdk-grain-outside-file')),
    content(whole).fill(0, grain, 2 * grain),
  )
})

test('any damage ends in a diagnosis, and what it plans can be done', () => {
  const structures: Record<string, number[]> = {
    vhdx: [0, 64 << 10, 128 << 10, 192 << 10, 256 << 10, 2 * MIB, 2 * MIB + 65536, 3 * MIB],
    qcow2: [0, 40, 72, 100, C, 2 * C, 3 * C, 4 * C],
    vdi: [0x40, 0x150, 0x170, 0x200],
    vmdk: [0, 512, 512 * 21, 512 * 26],
  }
  for (const [format, whole] of Object.entries(samples))
    for (const bytes of damagedCopies(whole.bytes(), structures[format]!, 40).filter(
      (_, index) => index % 6 === 0,
    )) {
      const store = memoryStore(bytes, whole.name)
      const doctor = doctorFor(store, format)!
      const { surgery } = examine(store, doctor.format)
      const after = memoryStore(bytes, store.name)
      surgery.perform(after)
      assert.deepEqual(
        examine(after, doctor.format).surgery.acts,
        [],
        `${format}: a second repair has nothing to do`,
      )
    }
})
