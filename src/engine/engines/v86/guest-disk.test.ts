import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../../../base/index.ts'
import { GuestDisk, type Medium } from './guest-disk.ts'

/** A medium in memory whose host can be made to fail. */
function medium(sizeBytes: number, writable = true) {
  const bytes = new Uint8Array(sizeBytes)
  const state = { broken: false, flushes: 0, closed: false }
  const check = () => {
    if (state.broken)
      throw new VivariumError('io', 'host-enospc', 'The disk is full.', { where: { path: 'disk' } })
  }
  const disk: Medium = {
    path: 'disk',
    sizeBytes,
    writable,
    read(offset, into) {
      check()
      into.set(bytes.subarray(offset, offset + into.length))
    },
    write(offset, from) {
      check()
      bytes.set(from, offset)
    },
    flush() {
      check()
      state.flushes++
    },
    close() {
      state.closed = true
    },
  }
  return { bytes, state, disk }
}

function guestDisk(sizeBytes = 4096, sectorBytes = 512, writable = true) {
  const failures: VivariumError[] = []
  const all = medium(sizeBytes, writable)
  return { ...all, failures, guest: new GuestDisk(all.disk, sectorBytes, (error) => failures.push(error)) }
}

test('a size that is no whole number of sectors is rounded up, and reads zeroes past its end', () => {
  const { bytes, guest } = guestDisk(3000, 2048)
  bytes.fill(7)
  assert.equal(guest.byteLength, 4096)
  guest.get(2048, 2048, (data) => {
    assert.deepEqual([data[951], data[952], data[2047]], [7, 0, 0])
  })
})

test('after a failure everything waits in its order, and retry does it', () => {
  const { bytes, state, failures, guest } = guestDisk()
  const done: string[] = []
  const reused = new Uint8Array(512).fill(1)
  state.broken = true
  guest.set(0, reused, () => done.push('first'))
  reused.fill(2)
  guest.set(0, reused, () => done.push('second'))
  reused.fill(3)
  guest.get(0, 512, (data) => done.push(`read ${data[0]}`))
  assert.deepEqual(done, [])
  assert.equal(failures.length, 1)
  guest.retry()
  assert.equal(failures.length, 2)
  assert.deepEqual(done, [])
  state.broken = false
  guest.retry()
  assert.deepEqual(done, ['first', 'second', 'read 2'])
  assert.equal(bytes[0], 2)
  guest.close()
  assert.ok(state.closed && state.flushes === 1)
})

test('close tries a failed write once more, and closes whatever happens', () => {
  const { bytes, state, failures, guest } = guestDisk()
  state.broken = true
  guest.set(512, new Uint8Array(512).fill(9), () => {})
  state.broken = false
  guest.close()
  assert.equal(bytes[512], 9)
  const other = guestDisk()
  other.guest.set(0, new Uint8Array(512), () => {})
  other.state.broken = true
  assert.throws(() => other.guest.close(), { code: 'host-enospc' })
  assert.ok(other.state.closed)
  assert.equal(failures.length, 1)
})

test('a read-only medium refuses the guest, not the host', () => {
  const { bytes, failures, guest } = guestDisk(4096, 512, false)
  let refused = 0
  guest.onWriteRefused = () => refused++
  guest.set(0, new Uint8Array(512).fill(1), () => assert.fail('done'))
  assert.deepEqual([refused, bytes[0], failures.length], [1, 0, 0])
})

test('the first sector is there at once, for the geometry', () => {
  const { bytes, guest } = guestDisk()
  bytes[510] = 0x55
  assert.equal(guest.get_from_cache(0, 512)?.[510], 0x55)
  assert.equal(guest.get_from_cache(512, 512), undefined)
})
