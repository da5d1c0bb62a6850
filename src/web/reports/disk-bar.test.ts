import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PartitionReport } from '../../disk/index.ts'
import { colorOf, segmentsOf } from './disk-bar.ts'

const partition = (number: number, offset: number, sizeBytes: number): PartitionReport => ({
  number,
  scheme: 'mbr',
  type: '0x07',
  typeName: 'NTFS',
  active: false,
  offset,
  sizeBytes,
})

test('partitions and the space between fill the bar', () => {
  const segments = segmentsOf([partition(2, 600, 200), partition(1, 1, 499)], 1000)
  assert.deepEqual(
    segments.map((one) => [one.partition?.number, one.sizeBytes]),
    [
      [1, 499],
      [undefined, 100],
      [2, 200],
      [undefined, 200],
    ],
    'the one byte of alignment before the first partition is not a gap',
  )
  assert.ok(Math.abs(segments.reduce((sum, one) => sum + one.width, 0) - 100) < 1e-9)
})

test('a tiny partition stays visible', () => {
  const [tiny] = segmentsOf([partition(1, 0, 1), partition(2, 1, 999_999)], 1_000_000)
  assert.ok(tiny!.width > 2)
})

test('an empty disk is one free piece, and what lies past its end is not drawn', () => {
  assert.deepEqual(segmentsOf([], 1000), [{ offset: 0, sizeBytes: 1000, width: 100 }])
  assert.equal(segmentsOf([partition(1, 2000, 10)], 1000).length, 1)
})

test('logical partitions are drawn in place of the extended one around them', () => {
  const segments = segmentsOf([partition(1, 0, 1000), partition(5, 100, 400)], 1000)
  assert.deepEqual(
    segments.map((one) => one.partition?.number),
    [undefined, 5, undefined],
  )
})

test('partitions that overlap by mistake do not make the disk longer', () => {
  const segments = segmentsOf([partition(1, 0, 600), partition(2, 400, 600)], 1000)
  assert.deepEqual(
    segments.map((one) => [one.partition?.number, one.sizeBytes]),
    [
      [1, 600],
      [2, 400],
    ],
  )
})

test('every partition has a colour, also the file system that fills a disk', () => {
  for (let number = 0; number < 20; number++) assert.match(colorOf({ number }), /^#[0-9a-f]{6}$/)
  assert.notEqual(colorOf({ number: 1 }), colorOf({ number: 2 }))
})
