import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ByteStore, KiB, MiB } from '../base/index.ts'
import { cases, randomFrom } from '../base/testing.ts'
import { journalOf } from '../disk/formats/testing.ts'
import {
  createQcow2,
  createVdi,
  createVhd,
  createVhdx,
  createVmdk,
  diagnose,
  doctorFor,
  openDiskChain,
  planReparent,
  readImage,
  type Surgery,
} from '../disk/index.ts'
import { type MemoryStore, memoryStore } from '../disk/testing.ts'
import { backupOf, takeBack } from './repair-backup.ts'

/**
 * Repairs and reparentings of every format, without power at any point of what they write, the last writes torn or lost:
 * with the backup the former bytes come back, and so they do when the taking back is cut off in its turn.
 */
const BLOCK = 4 * KiB
const BAT = 0x600
const id = (value: number) => new Uint8Array(16).fill(value)

function disk(
  name: string,
  create: (store: ByteStore) => void,
  stretches: number,
  length: number,
): MemoryStore {
  const store = memoryStore(undefined, name)
  create(store)
  if (stretches === 0) return store
  const opened = openDiskChain([store], [], { writable: true })
  for (let index = 0; index < stretches; index++)
    opened.write(index * length, new Uint8Array(length).fill(0x33 + index))
  opened.close()
  return store
}

const SAMPLES = {
  vhd: () =>
    disk(
      'disk.vhd',
      (store) => createVhd(store, { type: 'dynamic', sizeBytes: 8 * BLOCK, blockSize: BLOCK, id: id(3) }),
      4,
      BLOCK,
    ),
  vhdx: () =>
    disk(
      'disk.vhdx',
      (store) => createVhdx(store, { type: 'dynamic', sizeBytes: 2 * MiB, blockSize: MiB }),
      2,
      MiB,
    ),
  qcow2: () =>
    disk('disk.qcow2', (store) => createQcow2(store, { sizeBytes: 64 * KiB, clusterSize: 4096 }), 6, 4096),
  vdi: () => disk('disk.vdi', (store) => createVdi(store, { type: 'dynamic', sizeBytes: 3 * MiB }), 3, MiB),
  vmdk: () =>
    disk(
      'disk.vmdk',
      (store) => createVmdk(store, { subformat: 'monolithicSparse', sizeBytes: MiB, name: 'disk.vmdk' }),
      3,
      64 * KiB,
    ),
} as const

type Change = (bytes: Buffer) => Uint8Array | undefined

const DAMAGE: Readonly<Record<keyof typeof SAMPLES, Readonly<Record<string, Change>>>> = {
  vhd: {
    'an overlap, a block outside, a wrong checksum and a lost footer': (bytes) => {
      bytes.writeUInt32BE(bytes.readUInt32BE(BAT), BAT + 4)
      bytes.writeUInt32BE(0xffff00, BAT + 12)
      bytes.fill(1, 512 + 36, 512 + 40)
      return bytes.subarray(0, -512)
    },
    'bytes behind its end': (bytes) => Buffer.concat([bytes, new Uint8Array(3000)]),
    'its end lost': (bytes) => bytes.subarray(0, -3000),
    'hidden data': (bytes) => {
      const block = bytes.readUInt32BE(BAT) * 512
      return bytes.fill(0, block, block + 512)
    },
  },
  vhdx: {
    'one header lost': (bytes) => bytes.fill(9, 64 * KiB, 64 * KiB + 64),
    'one region table and the identifier lost': (bytes) => bytes.fill(9, 192 * KiB, 193 * KiB).fill(0, 0, 8),
    'its end lost': (bytes) => bytes.subarray(0, -1000),
  },
  qcow2: {
    'no refcounts': (bytes) => {
      const block = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(48))))
      return bytes.fill(0, block, block + 40)
    },
    'no refcount table': (bytes) => bytes.fill(0xff, 48, 56),
    'an entry on the header': (bytes) => {
      const l2 = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0x00ff_ffff_ffff_fe00n)
      bytes.writeBigUInt64BE((1n << 63n) | BigInt(l2), l2 + 8)
      return undefined
    },
  },
  vdi: {
    'a wrong count': (bytes) => bytes.fill(0, 0x184, 0x188),
    'two blocks on each other': (bytes) => {
      const map = bytes.readUInt32LE(0x154)
      bytes.writeUInt32LE(bytes.readUInt32LE(map), map + 4)
      return undefined
    },
    'its end lost': (bytes) => bytes.subarray(0, -1000),
  },
  vmdk: {
    'a damaged directory': (bytes) => {
      const at = Number(bytes.readBigUInt64LE(56)) * 512
      return bytes.fill(0x7f, at, at + 4)
    },
    'a damaged table': (bytes) => {
      const table = bytes.readUInt32LE(Number(bytes.readBigUInt64LE(56)) * 512) * 512
      return bytes.fill(0x7f, table, table + 600)
    },
  },
}

for (const [format, damages] of Object.entries(DAMAGE))
  for (const [what, change] of Object.entries(damages))
    test(`a repair of a ${format} with ${what}, cut off anywhere, can be taken back`, () => {
      const whole = SAMPLES[format as keyof typeof SAMPLES]()
      const bytes = Buffer.from(whole.bytes())
      const initial = Uint8Array.from(change(bytes) ?? bytes)
      requireTakenBack(initial, planned(memoryStore(initial, whole.name), format), whole.name)
    })

function planned(store: MemoryStore, format: string): Surgery {
  const doctor = doctorFor(store, format)
  assert.ok(doctor)
  const steps = diagnose(store, doctor, { deep: true, newId: () => id(0) })
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value.surgery
  }
}

const CHILDREN: Readonly<Record<string, (base: MemoryStore) => MemoryStore>> = {
  vhd: (base) => {
    const { id: parentId = '', stamp = 0 } = readImage(base).facts
    const parent = { id: parentId, stamp, absolutePath: '/old/base.vhd', relativePath: '.\\old\\base.vhd' }
    const options = { type: 'differencing' as const, sizeBytes: 8 * BLOCK, blockSize: BLOCK, parent }
    return disk('child', (store) => createVhd(store, options), 0, 0)
  },
  vhdx: (base) => {
    const { id: parentId = '', diskId = '' } = readImage(base).facts
    const parent = { id: parentId, diskId, sectorSize: 512, absolutePath: '/old/base.vhdx' }
    const options = { type: 'differencing' as const, sizeBytes: 2 * MiB, blockSize: MiB, parent }
    return disk('child', (store) => createVhdx(store, options), 0, 0)
  },
  qcow2: () => {
    const backing = { path: 'old/base.qcow2', format: 'qcow2' }
    return disk(
      'child',
      (store) => createQcow2(store, { sizeBytes: 64 * KiB, clusterSize: 4096, backing }),
      0,
      0,
    )
  },
  vmdk: (base) => {
    const parent = { id: readImage(base).facts.id ?? '', name: 'old/base.vmdk' }
    const options = { subformat: 'monolithicSparse' as const, sizeBytes: MiB, name: 'c.vmdk', parent }
    return disk('child', (store) => createVmdk(store, options), 0, 0)
  },
}

for (const [format, childOf] of Object.entries(CHILDREN))
  for (const [length, folder] of [
    ['short', '/new'],
    ['long', `/${'long'.repeat(60)}`],
  ] as const)
    test(`a reparenting of a ${format} child to a ${length} name, cut off anywhere, can be taken back`, () => {
      const base = SAMPLES[format as keyof typeof SAMPLES]()
      const initial = childOf(base).bytes()
      const { id: parentId, sizeBytes } = readImage(base).facts
      const surgery = planReparent(memoryStore(initial, 'child'), format, {
        ...(parentId !== undefined && { id: parentId }),
        stamp: 5,
        format,
        sizeBytes,
        relativePath: '.\\b',
        absolutePath: `${folder}/base.${format}`,
      })
      requireTakenBack(initial, surgery, 'child')
    })

function requireTakenBack(initial: Uint8Array, surgery: Surgery, name: string): void {
  assert.ok(surgery.acts.length > 0)
  const backup = backupOf(surgery, name, 'repair', new Date(0))
  const repair = journalOf(initial, name)
  surgery.perform(repair.store)
  const undo = journalOf(repair.rebuild(repair.length, false, randomFrom(1)).bytes(), name)
  takeBack(undo.store, backup, true)
  // A file of some MiB is rebuilt for each.
  const seeds = initial.length > MiB ? cases(1, 5) : cases(4, 20)
  for (const journal of [repair, undo])
    for (const lossy of [false, true])
      for (let seed = 1; seed <= seeds; seed++)
        for (let length = 0; length <= journal.length; length++) {
          const crashed = journal.rebuild(length, lossy, randomFrom(seed * 1000 + length))
          takeBack(crashed, backup, false)
          const same = Buffer.compare(crashed.bytes(), initial) === 0
          assert.ok(same, `seed ${seed}, after ${length} of ${journal.length}`)
        }
}
