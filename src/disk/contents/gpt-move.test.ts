import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asciiBytes, viewOf } from '../../base/index.ts'
import { journalOf } from '../formats/testing.ts'
import { openDisk } from '../open.ts'
import { memoryStore } from '../testing.ts'
import { crc32 } from './crc32.ts'
import { moveGptCopy } from './gpt-move.ts'
import { readContents } from './partitions.ts'

const OLD = 2048
const NEW = 3000

/** A disk of OLD sectors with one partition, made longer. */
function grown(): Uint8Array {
  const bytes = new Uint8Array(NEW * 512)
  const view = viewOf(bytes)
  bytes[446 + 4] = 0xee
  view.setUint32(446 + 8, 1, true)
  view.setUint32(446 + 12, OLD - 1, true)
  view.setUint16(510, 0x55aa)
  for (const [own, other, table] of [
    [1, OLD - 1, 2],
    [OLD - 1, 1, OLD - 33],
  ] as const) {
    bytes.set(
      [0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33, 0x44, 0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7],
      table * 512,
    )
    view.setBigUint64(table * 512 + 32, 64n, true)
    view.setBigUint64(table * 512 + 40, 1999n, true)
    const at = own * 512
    bytes.set(asciiBytes('EFI PART'), at)
    view.setUint32(at + 12, 92, true)
    view.setBigUint64(at + 24, BigInt(own), true)
    view.setBigUint64(at + 32, BigInt(other), true)
    view.setBigUint64(at + 48, BigInt(OLD - 34), true)
    view.setBigUint64(at + 72, BigInt(table), true)
    view.setUint32(at + 80, 128, true)
    view.setUint32(at + 84, 128, true)
    view.setUint32(at + 88, crc32(bytes.subarray(table * 512, table * 512 + 128 * 128)), true)
    view.setUint32(at + 16, crc32(bytes.subarray(at, at + 92)), true)
  }
  return bytes
}

const open = (store: ReturnType<typeof memoryStore>) => openDisk(store, { format: 'raw', writable: true })

test('the copy of the table moves to the end, once, and the partitions stay', () => {
  const store = memoryStore(grown())
  assert.equal(moveGptCopy(open(store)), true)
  assert.equal(moveGptCopy(open(store)), false)
  const bytes = store.bytes()
  assert.equal(viewOf(bytes).getUint32(446 + 12, true), NEW - 1)
  assert.equal(viewOf(bytes).getBigUint64(512 + 48, true), BigInt(NEW - 34))
  const { partitions, problems } = readContents(open(store))
  assert.deepEqual([partitions.length, partitions[0]?.sizeBytes, problems], [1, 1936 * 512, []])
  // Without the table at the start, the copy is found where the disk ends now.
  const lost = memoryStore(bytes.fill(0, 512, 34 * 512))
  assert.deepEqual(readContents(open(lost)).partitions.length, 1)
})

test('after a failure at any point there is a sound table at the start, and its copy where it says', () => {
  const journal = journalOf(grown(), 'gpt')
  moveGptCopy(open(journal.store as ReturnType<typeof memoryStore>))
  for (let length = 0; length <= journal.length; length++)
    for (const lossy of [false, true]) {
      const store = journal.rebuild(length, lossy, () => 0.5)
      const bytes = store.bytes()
      const primary = viewOf(bytes).getBigUint64(512 + 32, true)
      assert.deepEqual(readContents(open(store)).problems, [])
      const copyAt = Number(primary) * 512
      const header = bytes.slice(copyAt, copyAt + 92)
      const crc = viewOf(header).getUint32(16, true)
      viewOf(header).setUint32(16, 0, true)
      assert.equal(crc, crc32(header))
      // Run again, it comes to its end.
      moveGptCopy(open(store))
      assert.equal(viewOf(store.bytes()).getBigUint64(512 + 32, true), BigInt(NEW - 1))
    }
})

test('a damaged table, or none, is left alone', () => {
  for (const at of [512 + 50, 1024 + 3, (OLD - 1) * 512 + 50, (OLD - 33) * 512 + 3]) {
    const bytes = grown()
    bytes[at]! ^= 1
    const store = memoryStore(bytes)
    assert.equal(moveGptCopy(open(store)), false)
    assert.deepEqual(store.bytes(), bytes)
  }
  assert.equal(moveGptCopy(open(memoryStore(new Uint8Array(NEW * 512)))), false)
})
