/** Refcounts of 1 to 64 bits (specification, "Refcount block entry"): below a byte, bit 0 is the least significant. */
export function readRefcount(slice: DataView, index: number, bits: number): number {
  switch (bits) {
    case 8:
      return slice.getUint8(index)
    case 16:
      return slice.getUint16(index * 2)
    case 32:
      return slice.getUint32(index * 4)
    case 64:
      return Number(slice.getBigUint64(index * 8))
    default: {
      const at = index * bits
      return (slice.getUint8(at >> 3) >> (at & 7)) & ((1 << bits) - 1)
    }
  }
}

export function writeRefcount(slice: DataView, index: number, bits: number, value: number): void {
  if (bits === 8) slice.setUint8(index, value)
  else if (bits === 16) slice.setUint16(index * 2, value)
  else if (bits === 32) slice.setUint32(index * 4, value)
  else if (bits === 64) slice.setBigUint64(index * 8, BigInt(value))
  else {
    const at = index * bits
    const mask = ((1 << bits) - 1) << (at & 7)
    slice.setUint8(at >> 3, (slice.getUint8(at >> 3) & ~mask) | (value << (at & 7)))
  }
}
