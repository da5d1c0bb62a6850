import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { isZero } from '../../base/index.ts'
import type { Disk } from '../../disk/index.ts'
import { createDiskFile, inspectDisk, openDiskFile } from '../../system/index.ts'

/** What the disks of the scenes hold: a byte a unit that tells where it belongs, and whose it is. */
export const UNIT = 4096
/** Where the disk has content, in units of 4 KiB; the rest is zero, so that there is something to drop. */
export const hasContent = (unit: number) => unit % 24 < 15
const valueAt = (unit: number, salt: number) => 1 + ((unit * 7 + salt * 13) % 251)

/** Writes the pattern of a disk, where `isWritten`, from byte `at` on. */
export function fill(path: string, sizeBytes: number, salt: number, isWritten = hasContent, at = 0): void {
  const disk = openDiskFile(path, { writable: true })
  const bytes = new Uint8Array(UNIT)
  for (let unit = 0; unit < sizeBytes / UNIT; unit++)
    if (isWritten(unit)) disk.write(at + unit * UNIT, bytes.fill(valueAt(unit, salt)))
  disk.close()
}

function hashOf(content: (hash: (unit: Uint8Array) => void) => void): string {
  const hash = createHash('sha256')
  content((unit) => hash.update(unit))
  return hash.digest('hex')
}

function expectedHash(sizeBytes: number, valueIn: (unit: number) => number): string {
  const bytes = new Uint8Array(UNIT)
  return hashOf((add) => {
    for (let unit = 0; unit < sizeBytes / UNIT; unit++) add(bytes.fill(valueIn(unit)))
  })
}

export const plain = (unit: number) => (hasContent(unit) ? valueAt(unit, 0) : 0)
/** The child's own content lies on top of the base's. */
export const isChilds = (unit: number) => unit % 10 < 4
export const merged = (unit: number) => (isChilds(unit) ? valueAt(unit, 1) : plain(unit))

/** So many bytes with the pattern, from each of these places on, and zeroes behind them. */
export function shows(
  path: string,
  sizeBytes: number,
  valueIn: (unit: number) => number,
  starts: readonly number[] = [0],
): void {
  const disk = openDiskFile(path)
  try {
    for (const [index, start] of starts.entries()) {
      assert.equal(
        patternHash(disk, start, sizeBytes),
        expectedHash(sizeBytes, valueIn),
        `${path} shows its content`,
      )
      assert.ok(
        isZeroIn(disk, start + sizeBytes, starts[index + 1] ?? disk.sizeBytes),
        `${path} shows zeroes behind it`,
      )
    }
  } finally {
    disk.close()
  }
  const errors = inspectDisk(path).problems.filter(({ severity }) => severity === 'error')
  assert.deepEqual(errors, [])
}

const PIECE_BYTES = UNIT * 64

function patternHash(disk: Disk, start: number, sizeBytes: number): string {
  const bytes = new Uint8Array(PIECE_BYTES)
  return hashOf((add) => {
    for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
      const piece = bytes.subarray(0, Math.min(PIECE_BYTES, sizeBytes - at))
      disk.read(start + at, piece)
      add(piece)
    }
  })
}

function isZeroIn(disk: Disk, from: number, end: number): boolean {
  const bytes = new Uint8Array(PIECE_BYTES)
  for (const { offset, length, kind } of disk.extents(from, end - from))
    for (let at = 0; kind !== 'zero' && at < length; at += PIECE_BYTES) {
      const piece = bytes.subarray(0, Math.min(PIECE_BYTES, length - at))
      disk.read(offset + at, piece)
      if (!isZero(piece)) return false
    }
  return true
}

export interface Kind {
  readonly format: string
  readonly subformat: string
  readonly blockSize?: number
}

export const VHD: Kind = { format: 'vhd', subformat: 'dynamic', blockSize: 65_536 }
export const VHDX: Kind = { format: 'vhdx', subformat: 'dynamic', blockSize: 1 << 20 }
export const QCOW2: Kind = { format: 'qcow2', subformat: 'dynamic', blockSize: 4096 }

export function make(path: string, kind: Kind, sizeBytes: number): void {
  createDiskFile(path, { ...kind, sizeBytes })
  fill(path, sizeBytes, 0)
}

export function makeChild(path: string, base: string, { format, blockSize }: Kind, sizeBytes: number): void {
  const own = blockSize === undefined ? {} : { blockSize }
  createDiskFile(path, { format, subformat: 'differencing', parent: base, ...own })
  fill(path, sizeBytes, 1, isChilds)
}

/** From a disk that stays as it is, a new one. */
