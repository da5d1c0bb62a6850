import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KiB, MiB, VivariumError } from '../../base/index.ts'
import { createQcow2 } from '../formats/qcow2/create.ts'
import { contentOf, damagedCopies } from '../formats/testing.ts'
import { createVdi } from '../formats/vdi/create.ts'
import { createVhd } from '../formats/vhd/create.ts'
import { createVhdx } from '../formats/vhdx/create.ts'
import { createVmdk } from '../formats/vmdk/create.ts'
import { openDisk, readImage } from '../open.ts'
import { type MemoryStore, memoryStore } from '../testing.ts'
import { type Diagnosis, diagnose, doctorFor } from './index.ts'

/** What is advised has to work, and whoever looks has to say the same. */
const BLOCKS = 16
/** More than a repair would give copies to. */
const MANY_BLOCKS = 400

function filled(format: string, create: (store: MemoryStore) => void): MemoryStore {
  const store = memoryStore(undefined, `disk.${format}`)
  create(store)
  const disk = openDisk(store, { writable: true })
  const piece = new Uint8Array(disk.sizeBytes / BLOCKS)
  for (let at = 0; at < disk.sizeBytes; at += piece.length) disk.write(at, piece.fill(1 + at / piece.length))
  disk.close()
  return store
}

const sizeBytes = BLOCKS * MiB
const samples: Readonly<Record<string, MemoryStore>> = {
  vhd: filled('vhd', (store) =>
    createVhd(store, { type: 'dynamic', sizeBytes: MANY_BLOCKS * 8 * KiB, blockSize: 8 * KiB }),
  ),
  vhdx: filled('vhdx', (store) => createVhdx(store, { type: 'dynamic', sizeBytes, blockSize: MiB })),
  qcow2: filled('qcow2', (store) => createQcow2(store, { sizeBytes })),
  vdi: filled('vdi', (store) => createVdi(store, { type: 'dynamic', sizeBytes })),
  vmdk: filled('vmdk', (store) =>
    createVmdk(store, { subformat: 'monolithicSparse', sizeBytes, name: 'disk.vmdk' }),
  ),
}

function examine(store: MemoryStore, format: string): Diagnosis {
  const steps = diagnose(store, doctorFor(store, format)!, { deep: true, newId: () => new Uint8Array(16) })
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

function isReadable(store: MemoryStore, format: string): boolean {
  try {
    contentOf(openDisk(store, { format }))
    return true
  } catch (error) {
    assert.ok(error instanceof VivariumError)
    return false
  }
}

/** The table of blocks with all entries set to one value: outside the file, or on top of each other. */
const TABLES: Readonly<Record<string, (bytes: Uint8Array) => { at: number; width: 4 | 8; little: boolean }>> =
  {
    vhd: () => ({ at: 0x600, width: 4, little: false }),
    vdi: (bytes) => ({ at: viewAt(bytes).getUint32(0x154, true), width: 4, little: true }),
    vhdx: () => ({ at: 3 * MiB, width: 8, little: true }),
  }

function viewAt(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function* broken(format: string, whole: MemoryStore): Generator<Uint8Array> {
  yield* damagedCopies(whole.bytes(), [0, 512, 1024, 64 << 10, 2 * MiB], 30).filter((_, at) => at % 10 === 0)
  const table = TABLES[format]
  if (table === undefined) return
  for (const outside of [false, true]) {
    const bytes = whole.bytes()
    const { at, width, little } = table(bytes)
    const view = viewAt(bytes)
    for (let block = 0; block < (format === 'vhd' ? MANY_BLOCKS : BLOCKS); block++) {
      const place = at + block * width
      if (!outside && block > 0) bytes.copyWithin(place, at, at + width)
      else if (outside) view.setUint32(place + (width === 8 ? 4 : 0), 0x7fff_ffff, little)
    }
    yield bytes
  }
}

for (const [format, whole] of Object.entries(samples)) {
  test(`${format}: whoever is told to convert a disk can read it to its end`, () => {
    const advised = { convert: 0, copyAgain: 0 }
    for (const bytes of broken(format, whole)) {
      const store = memoryStore(bytes, whole.name)
      for (const { code, next = '' } of examine(store, format).problems) {
        if (/disk convert/.test(next)) {
          advised.convert++
          assert.ok(isReadable(store, format), `${code}: ${next}`)
        } else if (/cannot be repaired/.test(next)) {
          advised.copyAgain++
          assert.ok(!isReadable(store, format), `${code}: ${next}`)
        }
      }
    }
    if (format in TABLES) assert.ok(advised.copyAgain > 0)
    if (format === 'vhd') assert.ok(advised.convert > 0)
  })
}

test('inspecting and checking say the same of a footer', () => {
  const whole = samples.vhd!
  const cuts: ((bytes: Uint8Array) => Uint8Array)[] = [
    (bytes) => bytes.subarray(0, -512),
    (bytes) => bytes.subarray(0, -1),
    (bytes) => bytes.fill(0x55, 100, 101),
    (bytes) => bytes.fill(0, 0, 512),
    (bytes) => bytes.fill(0x55, bytes.length - 300, bytes.length - 299),
    (bytes) => bytes.fill(0x55, 100, 101).fill(0x55, bytes.length - 300, bytes.length - 299),
  ]
  const seen = new Set<string>()
  for (const cut of cuts) {
    const store = memoryStore(cut(whole.bytes()), whole.name)
    const checked = examine(store, 'vhd').problems
    for (const problem of readImage(store).facts.problems) {
      const { code, message, next, severity } = problem
      const same = checked.find((other) => other.code === code)
      if (same === undefined) continue
      seen.add(code)
      assert.deepEqual([same.message, same.next, same.severity], [message, next, severity])
    }
  }
  assert.deepEqual([...seen].sort(), [
    'vhd-footer-511',
    'vhd-footer-checksum',
    'vhd-head-footer-checksum',
    'vhd-head-footer-lost',
    'vhd-tail-footer-lost',
  ])
})
