import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../../../base/index.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { memoryStore } from '../../testing.ts'
import { createVhd } from './create.ts'

const SIZE = 64 * 4096

/** A store on a host whose disk is full: from the nth write on, nothing that needs room succeeds. */
function fillingStore() {
  const memory = memoryStore()
  createVhd(memory, { type: 'dynamic', sizeBytes: SIZE, blockSize: 4096 })
  let writesLeft = Number.POSITIVE_INFINITY
  const store = {
    name: 'full.vhd',
    writable: true,
    size: memory.size,
    read: memory.read,
    write(at: number, from: Uint8Array) {
      if (writesLeft-- > 0) return memory.write(at, from)
      throw new VivariumError('io', 'host-enospc', 'The disk is full.')
    },
    truncate: memory.truncate,
    flush: memory.flush,
    close: memory.close,
  }
  const allow = (count: number) => {
    writesLeft = count
  }
  return { memory, store, allow }
}

test('on a full host disk writes fail clearly, the file stays whole, and work goes on once there is room', () => {
  for (let room = 0; room < 12; room++) {
    const { memory, store, allow } = fillingStore()
    const disk = openDiskChain([store], [], { writable: true })
    disk.write(0, new Uint8Array(4096).fill(1))
    disk.flush()
    allow(room)
    const failed = new Set<number>()
    for (let block = 1; block < 8; block++) {
      try {
        disk.write(block * 4096, new Uint8Array(4096).fill(block + 1))
        disk.flush()
      } catch (error) {
        assert.equal((error as VivariumError).code, 'host-enospc')
        failed.add(block)
      }
    }
    assert.ok(failed.size > 0)
    assert.deepEqual(readImage(memory).survey().problems, [], 'the file is whole while the host is full')
    allow(Number.POSITIVE_INFINITY)
    for (const block of failed) disk.write(block * 4096, new Uint8Array(4096).fill(block + 1))
    disk.close()
    const into = new Uint8Array(8 * 4096)
    openDiskChain([memory], []).read(0, into)
    for (let block = 0; block < 8; block++) assert.equal(into[block * 4096], block + 1)
    assert.deepEqual(readImage(memory).facts.problems, [])
  }
})

test('metadata that waits for a flush is bounded', () => {
  const memory = memoryStore()
  createVhd(memory, { type: 'dynamic', sizeBytes: 5000 * 4096, blockSize: 4096 })
  let flushes = 0
  const { name, size, read, write, truncate, close } = memory
  const store = { name, size, read, write, truncate, close, writable: true, flush: () => void flushes++ }
  const disk = openDiskChain([store], [], { writable: true })
  for (let block = 0; block < 5000; block++) disk.write(block * 4096, Uint8Array.of(1))
  assert.ok(flushes >= 2, `${flushes} flushes`)
  const entries = new Uint8Array(4)
  memory.read(0x600 + 4000 * 4, entries)
  assert.notDeepEqual([...entries], [255, 255, 255, 255])
})
