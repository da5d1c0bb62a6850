import assert from 'node:assert/strict'
import { test } from 'node:test'
import { viewOf } from '../../base/index.ts'
import { ntfsFilePieces } from './ntfs-file.ts'

/** A volume of NTFS in a few sectors: clusters of 1 KiB, records of 1 KiB, the table in clusters 4 to 11. */
const CLUSTER = 1024
const CLUSTERS = 64
const TABLE = 4
const TiB = 2 ** 40

/** One run: how many clusters, and how far from the run before; no distance is a hole. */
type Run = readonly [clusters: number, distance?: number]

function packedRuns(runs: readonly Run[]): number[] {
  const number = (value: number) => Array.from({ length: 6 }, (_, at) => Math.floor(value / 256 ** at) & 255)
  return [
    ...runs.flatMap(([clusters, distance]) =>
      distance === undefined
        ? [0x06, ...number(clusters)]
        : [0x66, ...number(clusters), ...number(distance < 0 ? distance + 2 ** 48 : distance)],
    ),
    0,
  ]
}

interface Data {
  readonly runs: readonly Run[]
  readonly size?: number
  readonly valid?: number
  readonly firstCluster?: number
  readonly flags?: number
}

function dataAttribute({ runs, size = 0, valid = size, firstCluster = 0, flags = 0x8000 }: Data): Uint8Array {
  const packed = packedRuns(runs)
  const bytes = new Uint8Array(Math.ceil((64 + packed.length) / 8) * 8)
  const view = viewOf(bytes)
  view.setUint32(0, 0x80, true)
  view.setUint32(4, bytes.length, true)
  bytes[8] = 1
  view.setUint16(12, flags, true)
  view.setBigUint64(16, BigInt(firstCluster), true)
  view.setUint16(32, 64, true)
  view.setBigUint64(48, BigInt(size), true)
  view.setBigUint64(56, BigInt(valid), true)
  bytes.set(packed, 64)
  return bytes
}

/** $ATTRIBUTE_LIST, resident: which record has the data from which cluster on. */
function listAttribute(entries: readonly (readonly [firstCluster: number, record: number])[]): Uint8Array {
  const bytes = new Uint8Array(24 + entries.length * 32)
  const view = viewOf(bytes)
  view.setUint32(0, 0x20, true)
  view.setUint32(4, bytes.length, true)
  view.setUint32(16, entries.length * 32, true)
  view.setUint16(20, 24, true)
  for (const [index, [firstCluster, record]] of entries.entries()) {
    const at = 24 + index * 32
    view.setUint32(at, 0x80, true)
    view.setUint16(at + 4, 32, true)
    view.setBigUint64(at + 8, BigInt(firstCluster), true)
    view.setUint32(at + 16, record, true)
    view.setUint16(at + 22, 7, true) // a sequence number, which is no part of it
  }
  return bytes
}

function record(base: number, ...attributes: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(CLUSTER)
  const view = viewOf(bytes)
  bytes.set(new TextEncoder().encode('FILE'))
  view.setUint16(4, 48, true)
  view.setUint16(6, 3, true)
  view.setUint16(20, 56, true)
  view.setUint16(22, 1, true)
  view.setBigUint64(32, BigInt(base), true)
  let at = 56
  for (const attribute of attributes) {
    bytes.set(attribute, at)
    at += attribute.length
  }
  view.setUint32(at, 0xffffffff, true)
  for (const sector of [1, 2]) {
    view.setUint16(48 + sector * 2, view.getUint16(sector * 512 - 2, true), true)
    view.setUint16(sector * 512 - 2, view.getUint16(48, true), true)
  }
  return bytes
}

function volumeWith(records: Readonly<Record<number, Uint8Array>>) {
  const bytes = new Uint8Array(CLUSTERS * CLUSTER)
  const boot = viewOf(bytes)
  bytes.set(new TextEncoder().encode('NTFS    '), 3)
  boot.setUint16(11, 512, true)
  bytes[13] = CLUSTER / 512
  boot.setBigUint64(40, BigInt(bytes.length / 512), true)
  boot.setBigUint64(48, BigInt(TABLE), true)
  boot.setInt8(64, 1)
  const table = record(0, dataAttribute({ runs: [[8, TABLE]], size: 8 * CLUSTER, flags: 0 }))
  for (const [number, content] of [[0, table], ...Object.entries(records)] as const)
    bytes.set(content, (TABLE + Number(number)) * CLUSTER)
  const reads: number[] = []
  return {
    reads,
    sizeBytes: bytes.length,
    bytes(at: number, length: number) {
      if (!(at >= 0) || at + length > bytes.length) return undefined
      reads.push(length)
      return bytes.slice(at, at + length)
    },
  }
}

const SPARSE: readonly Run[] = [[2, 20], [TiB / CLUSTER - 5], [2, -4], [1]]

test('runs without a place are holes, at once however long', () => {
  const size = TiB - 3 * CLUSTER - 100
  const volume = volumeWith({ 5: record(0, dataAttribute({ runs: SPARSE, size })) })
  assert.deepEqual(
    [...ntfsFilePieces(volume, 5)!],
    [
      { kind: 'data', offset: 20 * CLUSTER, length: 2 * CLUSTER },
      { kind: 'hole', length: size - 2 * CLUSTER },
    ],
  )
  // The boot sector and two records.
  assert.deepEqual(volume.reads, [512, 1024, 1024])
})

test('a file ends where its size says, and reads as zeroes behind what is valid', () => {
  const size = TiB - CLUSTER - 10
  const volume = volumeWith({ 5: record(0, dataAttribute({ runs: SPARSE, size, valid: size - 100 })) })
  assert.deepEqual(
    [...ntfsFilePieces(volume, 5)!],
    [
      { kind: 'data', offset: 20 * CLUSTER, length: 2 * CLUSTER },
      { kind: 'hole', length: TiB - 5 * CLUSTER },
      { kind: 'data', offset: 16 * CLUSTER, length: 2 * CLUSTER - 110 },
      { kind: 'hole', length: 100 },
    ],
  )
})

test('runs in several records follow each other as the attribute list says', () => {
  const volume = volumeWith({
    3: record(5, dataAttribute({ runs: [[1, 40]], firstCluster: 7 })),
    5: record(
      0,
      listAttribute([
        [0, 5],
        [2, 6],
        [7, 3],
      ]),
      dataAttribute({ runs: [[2, 30]], size: 8 * CLUSTER }),
    ),
    6: record(5, dataAttribute({ runs: [[5]], firstCluster: 2 })),
  })
  assert.deepEqual(
    [...ntfsFilePieces(volume, 5)!],
    [
      { kind: 'data', offset: 30 * CLUSTER, length: 2 * CLUSTER },
      { kind: 'hole', length: 5 * CLUSTER },
      { kind: 'data', offset: 40 * CLUSTER, length: CLUSTER },
    ],
  )
  assert.equal(ntfsFilePieces(volume, 6), undefined)
})

test('what is damaged ends the list, and what is kept in another way has none', () => {
  const damaged = volumeWith({
    3: record(
      0,
      dataAttribute({
        runs: [
          [1, 30],
          [1, 100],
        ],
        size: 2 * CLUSTER,
      }),
    ),
    4: record(
      0,
      listAttribute([
        [0, 6],
        [9, 7],
      ]),
    ),
    5: record(0, dataAttribute({ runs: [[4, 20]], size: 4 * CLUSTER, flags: 1 })),
    6: record(4, dataAttribute({ runs: [[4, 20]], size: 100 * CLUSTER })),
    7: record(4, dataAttribute({ runs: [[4, 20]], firstCluster: 9 })),
  })
  assert.deepEqual(
    [...ntfsFilePieces(damaged, 3)!],
    [{ kind: 'data', offset: 30 * CLUSTER, length: CLUSTER }],
  )
  assert.deepEqual(
    [...ntfsFilePieces(damaged, 4)!],
    [{ kind: 'data', offset: 20 * CLUSTER, length: 4 * CLUSTER }],
  )
  for (const none of [1, 5, 7, 8, 1e9]) assert.equal(ntfsFilePieces(damaged, none), undefined)
})
