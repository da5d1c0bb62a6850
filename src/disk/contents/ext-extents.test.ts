import assert from 'node:assert/strict'
import { test } from 'node:test'
import { viewOf } from '../../base/index.ts'
import { extentPieces } from './ext-extents.ts'
import type { FilePiece } from './file-piece.ts'

const BLOCK = 1024
const VOLUME_BLOCKS = 64
type Entry = readonly [block: number, count: number, at: number]

function node(bytes: number, depth: number, entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(bytes)
  const view = viewOf(made)
  view.setUint16(0, 0xf30a, true)
  view.setUint16(2, entries.length, true)
  view.setUint16(6, depth, true)
  for (const [index, [block, count, at]] of entries.entries()) {
    const entry = 12 + index * 12
    if (entry + 12 > bytes) break
    view.setUint32(entry, block, true)
    if (depth > 0) view.setUint32(entry + 4, at, true)
    else {
      view.setUint16(entry + 4, count, true)
      view.setUint32(entry + 8, at, true)
    }
  }
  return made
}

function piecesOf(
  root: Uint8Array,
  size: number,
  blocks: ReadonlyMap<number, Uint8Array<ArrayBuffer>> = new Map(),
): FilePiece[] {
  const volume = {
    sizeBytes: VOLUME_BLOCKS * BLOCK,
    bytes: (at: number, length: number) => blocks.get(at / BLOCK)?.subarray(0, length),
  }
  return [...extentPieces(volume, BLOCK, root, size)]
}

test('extents, what was never written, and what lies between become pieces that end with the file', () => {
  const root = node(60, 0, [
    [0, 2, 10],
    [5, 32_768 + 3, 20],
    [9, 1, 30],
    [11, 4, 40],
  ])
  assert.deepEqual(piecesOf(root, 12 * BLOCK - 100), [
    { kind: 'data', offset: 10 * BLOCK, length: 2 * BLOCK },
    { kind: 'hole', length: 3 * BLOCK },
    { kind: 'hole', length: 3 * BLOCK },
    { kind: 'hole', length: BLOCK },
    { kind: 'data', offset: 30 * BLOCK, length: BLOCK },
    { kind: 'hole', length: BLOCK },
    { kind: 'data', offset: 40 * BLOCK, length: BLOCK - 100 },
  ])
  assert.deepEqual(piecesOf(node(60, 0, []), 5), [{ kind: 'hole', length: 5 }])
})

test('a tree of more than one level is walked in order', () => {
  const root = node(60, 1, [
    [0, 0, 3],
    [4, 0, 4],
  ])
  const leaves = new Map([
    [3, node(BLOCK, 0, [[0, 1, 10]])],
    [4, node(BLOCK, 0, [[4, 1, 11]])],
  ])
  assert.deepEqual(piecesOf(root, 5 * BLOCK, leaves), [
    { kind: 'data', offset: 10 * BLOCK, length: BLOCK },
    { kind: 'hole', length: 3 * BLOCK },
    { kind: 'data', offset: 11 * BLOCK, length: BLOCK },
  ])
})

test('a tree that cannot be ends the list, and never in a circle', () => {
  const first: FilePiece = { kind: 'data', offset: 10 * BLOCK, length: BLOCK }
  const ends = (
    root: Uint8Array,
    blocks?: ReadonlyMap<number, Uint8Array<ArrayBuffer>>,
    known: FilePiece[] = [first],
  ) => assert.deepEqual(piecesOf(root, 9 * BLOCK, blocks), known)
  ends(
    node(60, 0, [
      [0, 1, 10],
      [0, 1, 11],
    ]),
  )
  ends(
    node(60, 0, [
      [0, 1, 10],
      [1, 2, VOLUME_BLOCKS - 1],
    ]),
  )
  ends(
    node(60, 0, [
      [0, 1, 10],
      [1, 1, 0xffff_ffff],
    ]),
  )
  ends(node(60, 6, [[0, 0, 3]]), undefined, [])
  ends(new Uint8Array(60), undefined, [])
  ends(node(60, 1, [[0, 0, 3]]), new Map([[3, node(BLOCK, 1, [[0, 0, 3]])]]), [])
  const many = node(60, 0, [[0, 1, 10]])
  viewOf(many).setUint16(2, 9, true)
  assert.ok(piecesOf(many, 9 * BLOCK).length < 9)
})
