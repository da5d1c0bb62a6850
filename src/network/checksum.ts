/**
 * The Internet checksum (RFC 1071): one's complement of the one's complement sum of 16-bit words, an odd last byte
 * padded with zero. Over bytes that already hold their right checksum it gives 0.
 */
export function checksum(bytes: Uint8Array, initial = 0): number {
  return ~fold(sumWords(bytes, initial)) & 0xffff
}

/** The sum without folding, to be continued: `checksum(second, sumWords(first))`. `first` has an even length. */
export function sumWords(bytes: Uint8Array, initial = 0): number {
  let sum = initial
  const even = bytes.length & ~1
  for (let i = 0; i < even; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!
  return even === bytes.length ? sum : sum + (bytes[even]! << 8)
}

function fold(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded % 0x1_0000) + Math.floor(folded / 0x1_0000)
  return folded
}
