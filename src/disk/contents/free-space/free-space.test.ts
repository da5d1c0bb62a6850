import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MiB, viewOf } from '../../../base/index.ts'
import { cases } from '../../../base/testing.ts'
import type { Disk } from '../../disk.ts'
import { damagedCopies } from '../../formats/testing.ts'
import { openDisk } from '../../open.ts'
import { memoryStore } from '../../testing.ts'
import { bitmapRuns, clearRuns } from './allocation.ts'
import { type ByteRange, freeSpaceOf } from './free-space.ts'
import { exfatSample, ext4Sample, fat12Sample, ntfsSample } from './testing.ts'

const SAMPLES = { FAT12: fat12Sample, ext4: ext4Sample, NTFS: ntfsSample, exFAT: exfatSample }

function diskOf(bytes: Uint8Array): Disk {
  return openDisk(memoryStore(bytes), { format: 'raw' })
}

/** The volume at sector 64 of a disk, in a partition of the type, perhaps larger than it. */
function inPartition(volume: Uint8Array, type: number, sectors = volume.length / 512): Uint8Array {
  const bytes = new Uint8Array(64 * 512 + volume.length + 64 * 512)
  bytes.set(volume, 64 * 512)
  entry(bytes, 0, type, 64, sectors)
  return bytes
}

function entry(bytes: Uint8Array, index: number, type: number, first: number, sectors: number): void {
  const view = viewOf(bytes)
  bytes[446 + index * 16 + 4] = type
  view.setUint32(446 + index * 16 + 8, first, true)
  view.setUint32(446 + index * 16 + 12, sectors, true)
  view.setUint16(510, 0x55aa)
}

for (const [kind, { bytes, free }] of Object.entries(SAMPLES)) {
  test(`the free space of ${kind} is what its own tools say, in a partition and without one`, () => {
    const whole = freeSpaceOf(diskOf(bytes))
    assert.deepEqual(
      whole.volumes.map(({ partition, freeBytes, doubt }) => [partition.fileSystem, freeBytes, doubt]),
      [[kind, free, undefined]],
    )
    const parted = freeSpaceOf(diskOf(inPartition(bytes, 0x83)))
    assert.deepEqual(
      [...parted.ranges()],
      [...whole.ranges()].map(({ offset, length }) => ({ offset: offset + 64 * 512, length })),
    )
  })

  test(`${kind}: asked from any byte on, the ranges are the same`, () => {
    const { ranges } = freeSpaceOf(diskOf(bytes))
    const all = [...ranges()]
    fc.assert(
      fc.property(fc.nat(bytes.length), (from) => {
        const expected = all.filter(({ offset, length }) => offset + length > from)
        const found = [...ranges(from)]
        assert.deepEqual(found.map(endOf), expected.map(endOf))
        assert.deepEqual(found.slice(1), expected.slice(1))
        if (found[0] !== undefined) assert.ok(found[0].offset <= Math.max(from, expected[0]!.offset))
      }),
      { numRuns: cases(20, 100) },
    )
  })

  test(`${kind} in a partition that is too small for it keeps its free space`, () => {
    const disk = diskOf(inPartition(bytes, 0x83, bytes.length / 512 - 8))
    const { freeBytes, volumes } = freeSpaceOf(disk)
    assert.equal(freeBytes, 0)
    assert.equal(volumes[0]?.doubt?.code, 'file-system-damaged')
    assert.match(volumes[0]?.doubt?.message ?? '', /Partition 1 .*free space is kept/)
  })
}

function endOf({ offset, length }: ByteRange): number {
  return offset + length
}

test('damaged volumes give ranges within the partition or a doubt, and never more than there is', () => {
  let doubts = 0
  for (const { bytes, structures } of Object.values(SAMPLES)) {
    for (const copy of damagedCopies(bytes, structures, 150)) {
      if (copy.length < 512) continue
      const { freeBytes, volumes, ranges } = freeSpaceOf(diskOf(inPartition(copy, 0x83)))
      let end = 64 * 512
      for (const { offset, length } of ranges()) {
        assert.ok(offset >= end && length > 0 && offset % 512 === 0 && length % 512 === 0)
        end = offset + length
      }
      assert.ok(end <= 64 * 512 + copy.length && freeBytes <= copy.length)
      if (volumes.some(({ doubt }) => doubt !== undefined)) doubts++
    }
  }
  assert.ok(doubts > 150, `${doubts}`)
})

test('one bit turned in a structure that something confirms gives a doubt', () => {
  const turned = (bytes: Uint8Array, at: number, bit = 1) => {
    const copy = bytes.slice()
    copy[at]! ^= bit
    return freeSpaceOf(diskOf(copy)).volumes.map(({ doubt }) => doubt?.code)
  }
  for (const at of [1024 + 32, 2048 + 12, 2048 + 0])
    assert.deepEqual(turned(ext4Sample.bytes, at), ['file-system-damaged'])
  for (const at of [512 + 4, 512 + 50])
    assert.deepEqual(turned(fat12Sample.bytes, at), ['file-system-damaged'])
  for (const at of [92, 512 * 3]) assert.deepEqual(turned(exfatSample.bytes, at), ['file-system-damaged'])
  for (const at of [0x4000, 0x4c00 + 510])
    assert.deepEqual(turned(ntfsSample.bytes, at), ['file-system-damaged'])
})

test('partitions that lie over each other, or are parts of something larger, keep their free space', () => {
  const overlapping = inPartition(ext4Sample.bytes, 0x83)
  entry(overlapping, 1, 0x83, 200, 64)
  const codes = (bytes: Uint8Array) => freeSpaceOf(diskOf(bytes)).volumes.map(({ doubt }) => doubt?.code)
  assert.deepEqual(codes(overlapping), ['partition-overlaps', 'partition-overlaps'])
  assert.deepEqual(codes(inPartition(ext4Sample.bytes, 0xfd)), ['partition-shared'])
  assert.deepEqual(codes(inPartition(ntfsSample.bytes, 0x42)), ['partition-shared'])
  assert.deepEqual(codes(inPartition(new Uint8Array(MiB), 0x83)), ['file-system-unknown'])
  const behind = inPartition(ext4Sample.bytes, 0x83)
  entry(behind, 1, 0x83, 1 << 20, 64)
  assert.deepEqual(codes(behind), ['partitions-damaged', 'partitions-damaged'])
})

test('a swap space is free behind its label, in a partition that is meant for one and not slept in', () => {
  const swap = new Uint8Array(MiB)
  swap.set(new TextEncoder().encode('SWAPSPACE2'), 4086)
  const ranges = (bytes: Uint8Array, type: number) => [
    ...freeSpaceOf(diskOf(inPartition(bytes, type))).ranges(),
  ]
  assert.deepEqual(ranges(swap, 0x82), [{ offset: 64 * 512 + 4096, length: MiB - 4096 }])
  assert.deepEqual(ranges(swap, 0x83), [])
  const asleep = swap.slice()
  asleep.set(new TextEncoder().encode('S1SUSPEND\0'), 4086)
  assert.deepEqual(ranges(asleep, 0x82), [])
})

test('runs of clear bits agree with a look at every bit, from any bit on', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), fc.nat(), (some, cut, start) => {
      // Whole bytes of one kind are what real bitmaps have.
      const bitmap = some.map((value) => (value < 80 ? 0 : value < 160 ? 0xff : value))
      const bits = 1 + (cut % (bitmap.length * 8))
      const from = start % bits
      const found = new Set<number>()
      for (const { first, count } of bitmapRuns((at, length) => bitmap.subarray(at, at + length), bits, from))
        for (let bit = first; bit < first + count; bit++) found.add(bit)
      for (let bit = 0; bit < bits; bit++)
        assert.equal(found.has(bit), bit >= from && (bitmap[bit >> 3]! & (1 << (bit & 7))) === 0)
      const runs = [...clearRuns(bitmap, bits)]
      for (let i = 1; i < runs.length; i++)
        assert.ok(runs[i]!.first > runs[i - 1]!.first + runs[i - 1]!.count)
    }),
  )
})
