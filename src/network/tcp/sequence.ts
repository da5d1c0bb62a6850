/**
 * Sequence numbers (RFC 9293, 3.4): a circle of 2^32, on which "before" holds for less than half of it. They are kept
 * unsigned; a distance is signed.
 */
export function advance(sequence: number, count: number): number {
  return (sequence + count) >>> 0
}

/** How far `to` lies after `from`; negative when before. */
export function distance(from: number, to: number): number {
  return (to - from) | 0
}

export function isBefore(left: number, right: number): boolean {
  return distance(right, left) < 0
}
