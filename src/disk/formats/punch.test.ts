import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ByteStore } from '../../base/index.ts'
import { cases } from '../../base/testing.ts'
import { openDiskChain, readImage } from '../open.ts'
import { type MemoryStore, memoryStore } from '../testing.ts'
import { createQcow2 } from './qcow2/create.ts'
import { replayCrashes } from './testing.ts'
import { createVdi } from './vdi/create.ts'
import { createVhd } from './vhd/create.ts'
import { createVhdx } from './vhdx/create.ts'
import { createVmdk } from './vmdk/create.ts'

/**
 * On a host that makes holes, whatever is punched keeps the promises of a flush: after a failure at any point a
 * sector shows what was last flushed or written since, and a discarded one what it showed or zeroes.
 */
const SECTORS = 96
const SIZE = SECTORS * 512
const MiB = 1 << 20

interface Made {
  readonly store: MemoryStore
  readonly parent?: MemoryStore
}

const MAKERS: Readonly<Record<string, () => Made>> = {
  raw: () => ({ store: memoryStore(new Uint8Array(SIZE), 'disk.img') }),
  'fixed VHD': () => ({ store: vhd('fixed') }),
  'dynamic VHD': () => ({ store: vhd('dynamic') }),
  'differencing VHD': () => {
    const parent = vhd('dynamic')
    const disk = openDiskChain([parent], [], { writable: true })
    for (let sector = 0; sector < SECTORS; sector += 3)
      disk.write(sector * 512, new Uint8Array(512).fill(1 + sector))
    disk.close()
    const { id, stamp } = readImage(parent).facts
    const store = memoryStore()
    const link = { id: id ?? '', stamp: stamp ?? 0, absolutePath: '/base.vhd' }
    createVhd(store, { type: 'differencing', sizeBytes: SIZE, blockSize: 4096, parent: link })
    return { store, parent }
  },
  VHDX: () => {
    const store = memoryStore()
    createVhdx(store, { type: 'dynamic', sizeBytes: MiB, blockSize: MiB })
    return { store }
  },
  VDI: () => {
    const store = memoryStore()
    createVdi(store, { type: 'dynamic', sizeBytes: MiB })
    return { store }
  },
  VMDK: () => {
    const store = memoryStore()
    createVmdk(store, { subformat: 'monolithicSparse', sizeBytes: MiB, name: 'disk.vmdk' })
    return { store }
  },
  QCOW2: () => {
    const store = memoryStore()
    createQcow2(store, { sizeBytes: MiB, clusterSize: 4096 })
    return { store }
  },
}

function vhd(type: 'fixed' | 'dynamic'): MemoryStore {
  const store = memoryStore()
  createVhd(store, { type, sizeBytes: SIZE, ...(type === 'dynamic' && { blockSize: 4096 }) })
  return store
}

for (const [name, make] of Object.entries(MAKERS)) {
  for (const lossy of [false, true]) {
    test(`holes in a ${name} keep its promises, ${lossy ? 'writes lost in any order' : 'in order'}`, () => {
      for (let seed = 1; seed <= cases(1, 4); seed++) {
        const { store, parent } = make()
        const allowRaw = name === 'raw'
        const open = (top: ByteStore) =>
          openDiskChain(parent === undefined ? [top] : [top, parent], [{ allowRaw }], { writable: true })
        const crash = { initial: store.bytes(), open, sectors: SECTORS, punches: true }
        assert.equal(
          replayCrashes(crash, lossy, seed * 7919, () => undefined),
          undefined,
        )
      }
    })
  }
}
