import { VivariumError } from '../base/index.ts'
import type { Disk } from './disk.ts'
import { SECTOR } from './format.ts'

/**
 * The checking shell around every opened disk: ranges, closed state, read-only; and it turns unaligned writes
 * into whole sectors, so that no format has to. Nothing below it checks a range again.
 */
export function checkedDisk(disk: Disk, name: string, onClose?: () => void): Disk {
  let closed = false
  const { sizeBytes, writable } = disk

  function check(offset: number, length: number): void {
    if (closed) {
      throw new VivariumError('conflict', 'disk-closed', 'The disk is closed already.', {
        where: { path: name },
      })
    }
    if (offset >= 0 && length >= 0 && offset + length <= sizeBytes && Number.isSafeInteger(offset)) return
    throw new VivariumError(
      'invalid',
      'disk-range',
      `Bytes ${offset} to ${offset + length} are not within the disk of ${sizeBytes} bytes.`,
      { where: { path: name, offset } },
    )
  }

  function checkWrite(offset: number, length: number): void {
    check(offset, length)
    if (writable) return
    throw new VivariumError('denied', 'disk-read-only', 'The disk is open for reading only.', {
      where: { path: name },
      next: 'Open it for writing, or put an undo disk on top of it.',
    })
  }

  /** Changes part of one sector: reads it through the whole chain, writes it back whole. */
  function patchSector(offset: number, from: Uint8Array): void {
    const sector = new Uint8Array(SECTOR)
    const start = offset - (offset % SECTOR)
    disk.read(start, sector)
    sector.set(from, offset - start)
    disk.write(start, sector)
  }

  function writeUnaligned(offset: number, from: Uint8Array): void {
    const headLength = Math.min((SECTOR - (offset % SECTOR)) % SECTOR, from.length)
    const tailLength = (offset + from.length) % SECTOR
    if (headLength > 0) patchSector(offset, from.subarray(0, headLength))
    if (headLength === from.length) return
    const middleEnd = from.length - tailLength
    if (middleEnd > headLength) disk.write(offset + headLength, from.subarray(headLength, middleEnd))
    if (tailLength > 0) patchSector(offset + middleEnd, from.subarray(middleEnd))
  }

  return {
    format: disk.format,
    sizeBytes,
    writable,
    read(offset, into) {
      check(offset, into.length)
      if (into.length > 0) disk.read(offset, into)
    },
    write(offset, from) {
      checkWrite(offset, from.length)
      if (from.length === 0) return
      if (((offset | from.length) & (SECTOR - 1)) === 0) disk.write(offset, from)
      else writeUnaligned(offset, from)
    },
    flush() {
      check(0, 0)
      if (writable) disk.flush()
    },
    writeZeroes(offset, length) {
      checkWrite(offset, length)
      const first = Math.min(offset + length, Math.ceil(offset / SECTOR) * SECTOR)
      const last = Math.max(first, Math.floor((offset + length) / SECTOR) * SECTOR)
      if (first > offset) writeUnaligned(offset, new Uint8Array(first - offset))
      if (last > first) disk.writeZeroes(first, last - first)
      if (offset + length > last) writeUnaligned(last, new Uint8Array(offset + length - last))
    },
    discard(offset, length) {
      checkWrite(offset, length)
      const first = Math.ceil(offset / SECTOR) * SECTOR
      const last = Math.floor((offset + length) / SECTOR) * SECTOR
      if (last > first) disk.discard(first, last - first)
    },
    extents(offset, length) {
      check(offset, length)
      return disk.extents(offset, length)
    },
    storedAt(offset, length) {
      check(offset, length)
      return disk.storedAt(offset, length)
    },
    tables(offset, length) {
      check(offset, length)
      return disk.tables?.(offset, length) ?? []
    },
    close() {
      if (closed) return
      closed = true
      try {
        if (writable) disk.flush()
      } finally {
        disk.close()
        onClose?.()
      }
    },
  }
}
