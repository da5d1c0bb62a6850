import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomFrom } from '../../../base/testing.ts'
import { openDisk, openDiskChain } from '../../open.ts'
import { memoryStore } from '../../testing.ts'
import { MAX_BAT_ENTRIES } from './bat.ts'
import { createVhd } from './create.ts'

/** The largest table, over small blocks: 1024 pages, more than all open disks together may keep. */
const BLOCK = 4096
const SIZE = MAX_BAT_ENTRIES * BLOCK
const PAGES = 1024
/** A block in every page. */
const placeOf = (page: number) => (page * (MAX_BAT_ENTRIES / PAGES) + (page % 100)) * BLOCK

function newVhd(name: string) {
  const store = memoryStore(new Uint8Array(0), name)
  createVhd(store, { type: 'dynamic', sizeBytes: SIZE, blockSize: BLOCK })
  return store
}

test('tables larger than what is kept of them: nothing is lost between two disks, whatever goes first', () => {
  const stores = [newVhd('one'), newVhd('two')]
  const disks = stores.map((store) => openDisk(store, { writable: true }))
  const models = stores.map(() => new Uint8Array(PAGES))
  const next = randomFrom(7)
  const sector = new Uint8Array(BLOCK)
  for (let step = 0; step < 8000; step++) {
    const which = next() < 0.5 ? 0 : 1
    const page = Math.floor(next() * PAGES)
    const value = 1 + Math.floor(next() * 255)
    const action = next()
    if (action < 0.45) {
      disks[which]!.write(placeOf(page), sector.fill(value))
      models[which]![page] = value
    } else if (action < 0.99) {
      disks[which]!.read(placeOf(page), sector)
      assert.equal(sector[0], models[which]![page], `step ${step}, page ${page}`)
      assert.equal(sector[BLOCK - 1], models[which]![page])
    } else disks[which]!.flush()
  }
  for (const [which, disk] of disks.entries()) {
    disk.close()
    const again = openDiskChain([stores[which]!], [])
    for (let page = 0; page < PAGES; page++) {
      again.read(placeOf(page), sector)
      assert.equal(sector[0], models[which]![page])
    }
    again.close()
  }
})

test('what is absent is told across pages, and found again where it ends', () => {
  const disk = openDisk(newVhd('absent'), { writable: true })
  disk.write(placeOf(700), new Uint8Array(BLOCK).fill(1))
  const extents = [...disk.extents(0, SIZE)].map(({ offset, length, kind }) => [offset, length, kind])
  const at = placeOf(700)
  assert.deepEqual(extents, [
    [0, at, 'zero'],
    [at, BLOCK, 'data'],
    [at + BLOCK, SIZE - at - BLOCK, 'zero'],
  ])
  disk.close()
})
