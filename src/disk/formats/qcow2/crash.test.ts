import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import type { ByteStore } from '../../../base/index.ts'
import { cases, randomFrom } from '../../../base/testing.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { replayCrashes } from '../testing.ts'
import { createQcow2 } from './create.ts'
import type { NewQcow2 } from './new-image.ts'
import { packClusters, takeSnapshot } from './testing.ts'

/**
 * Power failures, replayed. After each no refcount may be too low either, so that nothing is overwritten later.
 */
const SECTORS = 96
const WATCHED = SECTORS * 512

interface Scene {
  readonly store: MemoryStore
  readonly parents: MemoryStore[]
}

type Random = () => number

function damageOf(store: MemoryStore): readonly string[] {
  const { problems } = readImage(store).survey()
  return problems.map(({ code }) => code).filter((code) => code !== 'qcow2-leaked-clusters')
}

function check(
  scene: (next: Random) => Scene,
  lossy: boolean,
  seeds: number,
  look: (store: MemoryStore) => void = () => undefined,
): void {
  for (let seed = 1; seed <= seeds; seed++) {
    const { store, parents } = scene(randomFrom(seed * 7919))
    const open = (top: ByteStore) => openDiskChain([top, ...parents], [], { writable: true })
    const sound = (crashed: MemoryStore) => {
      assert.deepEqual(damageOf(crashed), [])
      look(crashed)
    }
    const crash = { initial: store.bytes(), open, sectors: SECTORS, again: sound }
    assert.equal(replayCrashes(crash, lossy, seed * 7919 + (lossy ? 1 : 0), sound), undefined)
  }
}

function created(options: Partial<NewQcow2> = {}): MemoryStore {
  const store = memoryStore()
  createQcow2(store, { sizeBytes: WATCHED, clusterSize: 2048, ...options })
  return store
}

/** Random values in some of the sectors. */
function fill(store: MemoryStore, next: Random, share = 0.7): MemoryStore {
  const disk = openDiskChain([store], [], { writable: true })
  for (let sector = 0; sector < SECTORS; sector++)
    if (next() <= share) disk.write(sector * 512, new Uint8Array(512).fill(1 + Math.floor(next() * 255)))
  disk.close()
  return store
}

const SCENES: Readonly<Record<string, (next: Random) => Scene>> = {
  'an empty image': () => ({ store: created(), parents: [] }),
  'an image with smallest clusters': () => ({
    store: created({ clusterSize: 512, refcountBits: 64 }),
    parents: [],
  }),
  'an image over another one': (next) => {
    const parent = fill(created({ clusterSize: 512 }), next)
    return { store: created({ backing: { path: 'a', format: 'qcow2' } }), parents: [parent] }
  },
  'an image of version 2 over another one': (next) => {
    const parent = fill(created(), next)
    const backing = { path: 'a', format: 'qcow2' }
    return { store: created({ version: 2, clusterSize: 1024, backing }), parents: [parent] }
  },
  'an image with a snapshot': (next) => {
    const store = fill(created({ clusterSize: 512 }), next)
    takeSnapshot(store)
    return { store, parents: [] }
  },
  'an image with compressed clusters': (next) => {
    const store = fill(created(), next, 1)
    packClusters(store, [0, 1, 2, 5, 7, 8, 11, 20, 23], (bytes) => deflateRawSync(bytes, { windowBits: 12 }))
    return { store, parents: [] }
  },
}

for (const [name, scene] of Object.entries(SCENES)) {
  test(`${name} is whole after every prefix of its writes, the last one torn`, () =>
    check(scene, false, cases(2, 6)))
  test(`${name} keeps its promises when unconfirmed writes are lost in any order`, () =>
    check(scene, true, cases(2, 6)))
}

test('an image is whole whenever the power fails while its refcount table moves', () => {
  // Clusters of 512 bytes with 64-bit counts: one cluster of table counts 2 MiB, and the disk is just above it.
  const full = created({ clusterSize: 512, refcountBits: 64, sizeBytes: WATCHED + (3 << 20) })
  const disk = openDiskChain([full], [], { writable: true })
  for (let at = WATCHED; full.size() < (2 << 20) - 40 * 512; at += 512)
    disk.write(at, new Uint8Array(512).fill(1))
  disk.close()
  const tableOf = (store: MemoryStore) => store.bytes().subarray(48, 60).toString()
  const tables = new Set<string>()
  const look = (store: MemoryStore) => void tables.add(tableOf(store))
  for (const lossy of [false, true]) check(() => ({ store: full, parents: [] }), lossy, 1, look)
  assert.ok(tables.size > 1, 'the table does move')
})
