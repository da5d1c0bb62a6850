/**
 * The checksum of a footer and of a dynamic header: one's complement of the sum of all bytes, with the four
 * bytes of the field itself counted as zero.
 */
export function checksumOf(bytes: Uint8Array, fieldOffset: number): number {
  let sum = 0
  for (const value of bytes) sum += value
  for (let i = 0; i < 4; i++) sum -= bytes[fieldOffset + i] ?? 0
  return ~sum >>> 0
}
