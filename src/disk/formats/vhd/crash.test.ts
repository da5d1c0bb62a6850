import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ByteStore } from '../../../base/index.ts'
import { cases, randomFrom } from '../../../base/testing.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { replayCrashes } from '../testing.ts'
import { createVhd, type NewVhd } from './create.ts'

/** Power failures, replayed over small blocks, so that a few sectors touch many. */
const SECTORS = 96
const SIZE = SECTORS * 512
const BLOCK = 4096

function created(type: NewVhd['type'], parent?: MemoryStore): MemoryStore {
  const store = memoryStore()
  const { id = '', stamp = 0 } = parent === undefined ? {} : readImage(parent).facts
  createVhd(store, {
    type,
    sizeBytes: SIZE,
    ...(type !== 'fixed' && { blockSize: BLOCK }),
    ...(parent && { parent: { id, stamp, absolutePath: '/base.vhd' } }),
  })
  return store
}

function filledParent(next: () => number): MemoryStore {
  const base = created('dynamic')
  const disk = openDiskChain([base], [], { writable: true })
  for (let sector = 0; sector < SECTORS; sector++)
    if (next() >= 0.3) disk.write(sector * 512, new Uint8Array(512).fill(1 + Math.floor(next() * 255)))
  disk.close()
  return base
}

function check(type: NewVhd['type'], lossy: boolean): void {
  for (let seed = 1; seed <= cases(3, 12); seed++) {
    const parents = type === 'differencing' ? [filledParent(randomFrom(seed))] : []
    const initial = created(type, parents[0]).bytes()
    const open = (store: ByteStore) => openDiskChain([store, ...parents], [], { writable: true })
    const again = (store: MemoryStore) => {
      assert.deepEqual(readImage(store).facts.problems, [], 'writing restores the footer')
      assert.deepEqual(readImage(store).survey().problems, [])
    }
    const crash = { initial, open, sectors: SECTORS, again }
    assert.equal(
      replayCrashes(crash, lossy, seed * 7919 + (lossy ? 1 : 0), () => undefined),
      undefined,
    )
  }
}

for (const type of ['fixed', 'dynamic', 'differencing'] as const) {
  test(`a ${type} disk is whole after every prefix of its writes, the last one torn`, () =>
    check(type, false))
  test(`a ${type} disk keeps its promises when unconfirmed writes are lost in any order`, () =>
    check(type, true))
}
