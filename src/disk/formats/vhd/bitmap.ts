/**
 * The sector bitmap in front of a block's data: one bit a sector, bit 7 of byte 0 = the first, padded to whole
 * sectors. In a differencing disk 1 = the sector is here, 0 = ask the parent; in a dynamic disk 0 = never
 * written, reads as zero (as VirtualBox, Xen and libvhdi read it; real writers set all bits of a block at once).
 */
export function bitmapBytesOf(blockSize: number): number {
  return Math.ceil(blockSize / 512 / 8 / 512) * 512
}

export function hasBit(bitmap: Uint8Array, sector: number): boolean {
  return (bitmap[sector >>> 3]! & (0x80 >>> (sector & 7))) !== 0
}

/** How many sectors from `first`, at most up to `end`, have the same bit as `first`. */
export function equalBits(bitmap: Uint8Array, first: number, end: number): number {
  const wanted = hasBit(bitmap, first)
  const whole = wanted ? 0xff : 0
  let sector = first + 1
  while (sector < end) {
    if ((sector & 7) === 0 && bitmap[sector >>> 3] === whole) sector += 8
    else if (hasBit(bitmap, sector) === wanted) sector++
    else break
  }
  return Math.min(sector, end) - first
}

/** Sets the bits of [first, end); true when one of them was clear. */
export function setBits(bitmap: Uint8Array, first: number, end: number): boolean {
  let changed = false
  for (let sector = first; sector < end; ) {
    const index = sector >>> 3
    const upTo = Math.min(end, (index + 1) << 3)
    const mask = (0xff >>> (sector & 7)) & (0xff << (7 - ((upTo - 1) & 7)))
    const before = bitmap[index]!
    if ((before & mask) !== mask) {
      bitmap[index] = before | mask
      changed = true
    }
    sector = upTo
  }
  return changed
}

/** True when the first `sectors` bits are all set. */
export function allSet(bitmap: Uint8Array, sectors: number): boolean {
  return sectors === 0 || (hasBit(bitmap, 0) && equalBits(bitmap, 0, sectors) === sectors)
}

export function countSet(bitmap: Uint8Array, sectors: number): number {
  let count = 0
  for (let sector = 0; sector < sectors; ) {
    const run = equalBits(bitmap, sector, sectors)
    if (hasBit(bitmap, sector)) count += run
    sector += run
  }
  return count
}
