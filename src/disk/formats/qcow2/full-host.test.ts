import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../../../base/index.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { memoryStore } from '../../testing.ts'
import { createQcow2 } from './create.ts'
import { takeSnapshot } from './testing.ts'

const CLUSTER = 1024
const SIZE = 600 * CLUSTER // five L2 tables

/** A store on a host whose disk is full: from the nth write on, nothing that needs room succeeds. */
function fillingStore() {
  const memory = memoryStore()
  createQcow2(memory, { sizeBytes: SIZE, clusterSize: CLUSTER })
  let writesLeft = Number.POSITIVE_INFINITY
  const store = {
    name: 'full.qcow2',
    writable: true,
    size: memory.size,
    read: memory.read,
    write(at: number, from: Uint8Array) {
      if (writesLeft-- > 0) return memory.write(at, from)
      // A part of it may have been written.
      memory.write(at, from.subarray(0, from.length / 2))
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
  for (let room = 0; room < 14; room++) {
    const { memory, store, allow } = fillingStore()
    const first = openDiskChain([memory], [], { writable: true })
    first.write(0, new Uint8Array(4 * CLUSTER).fill(1))
    first.close()
    takeSnapshot(memory)
    const disk = openDiskChain([store], [], { writable: true })
    allow(room)
    const failed = new Set<number>()
    for (let piece = 0; piece < 6; piece++) {
      try {
        disk.write(piece * 100 * CLUSTER + 512, new Uint8Array(CLUSTER).fill(piece + 2))
        disk.flush()
      } catch (error) {
        assert.equal((error as VivariumError).code, 'host-enospc')
        failed.add(piece)
      }
    }
    assert.ok(failed.size > 0)
    const damage = readImage(memory)
      .survey()
      .problems.filter(({ severity }) => severity === 'error')
    assert.deepEqual(damage, [], 'the file is whole while the host is full')
    allow(Number.POSITIVE_INFINITY)
    for (const piece of failed)
      disk.write(piece * 100 * CLUSTER + 512, new Uint8Array(CLUSTER).fill(piece + 2))
    disk.close()
    const again = openDiskChain([memory], [])
    const into = new Uint8Array(2 * CLUSTER)
    for (let piece = 0; piece < 6; piece++) {
      again.read(piece * 100 * CLUSTER, into)
      const around = piece === 0 ? 1 : 0
      assert.deepEqual(
        [into[0], into[512], into[512 + CLUSTER - 1], into[512 + CLUSTER]],
        [around, piece + 2, piece + 2, around],
      )
    }
    assert.deepEqual(readImage(memory).survey().problems, [], 'nothing is leaked')
  }
})

test('metadata that waits for a flush is bounded', () => {
  const memory = memoryStore()
  createQcow2(memory, { sizeBytes: 2 ** 33, clusterSize: 4096 })
  let flushes = 0
  const { name, size, read, write, truncate, close } = memory
  const store = { name, size, read, write, truncate, close, writable: true, flush: () => void flushes++ }
  const disk = openDiskChain([store], [], { writable: true })
  // Each write needs an L2 table of its own.
  for (let table = 0; table < 2100; table++) disk.write(table * (2 << 20), Uint8Array.of(1))
  assert.ok(flushes >= 2, `${flushes} flushes`)
})
