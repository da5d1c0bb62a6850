import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ByteStore } from '../../../base/index.ts'
import { cases, randomFrom } from '../../../base/testing.ts'
import { openDiskChain, readImage } from '../../open.ts'
import type { MemoryStore } from '../../testing.ts'
import { replayCrashes } from '../testing.ts'
import { memoryFolder, newDisk, type Variant, variants } from './testing.ts'

/** Grains of 4 KiB, so that a few sectors touch many. */
const GRAIN = 4096
const SECTORS = 96
const SIZE = SECTORS * 512

function small(variant: Variant): Variant {
  return {
    ...variant,
    patch(bytes) {
      variant.patch?.(bytes)
      bytes[20] = GRAIN / 512
    },
  }
}

function filledParent(next: () => number): MemoryStore {
  const parent = newDisk(memoryFolder(), small(variants[0]!), 'parent.vmdk', SIZE)
  const disk = openDiskChain([parent], [], { writable: true })
  for (let sector = 0; sector < SECTORS; sector++)
    if (next() < 0.7) disk.write(sector * 512, new Uint8Array(512).fill(1 + Math.floor(next() * 255)))
  disk.close()
  return parent
}

function check(variant: Variant, hasParent: boolean, lossy: boolean): void {
  for (let seed = 1; seed <= cases(1, 3); seed++) {
    const parents = hasParent ? [filledParent(randomFrom(seed))] : []
    const disk = newDisk(memoryFolder(), small(variant), 'crash.vmdk', SIZE, parents[0])
    const open = (store: ByteStore) => openDiskChain([store, ...parents], [], { writable: true })
    const sound = (store: MemoryStore) => assert.deepEqual(readImage(store).survey().problems, [])
    const broken = replayCrashes({ initial: disk.bytes(), open, sectors: SECTORS }, lossy, seed * 7919, sound)
    assert.equal(broken, undefined)
  }
}

for (const variant of [variants[0]!, variants[4]!, variants[5]!]) {
  for (const hasParent of [false, true]) {
    const kind = `${variant.name} disk ${hasParent ? 'with' : 'without'} a parent`
    test(`a ${kind} is whole after every prefix of its writes, the last one torn`, () =>
      check(variant, hasParent, false))
    test(`a ${kind} keeps its promises when unconfirmed writes are lost in any order`, () =>
      check(variant, hasParent, true))
  }
}
