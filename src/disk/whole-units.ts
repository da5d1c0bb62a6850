import type { Segment } from './layout.ts'

/** Units [first, end) as whole ones in the file: of the last unit of a disk, what its size does not reach is zero. */
export function* wholeUnits(
  kind: 'guest' | 'zero',
  { first, end }: { readonly first: number; readonly end: number },
  unitBytes: number,
  sizeBytes: number,
): Generator<Segment> {
  const offset = first * unitBytes
  const length = (end - first) * unitBytes
  if (kind === 'zero') {
    yield { kind, length }
    return
  }
  const inDisk = Math.min(length, sizeBytes - offset)
  yield { kind, offset, length: inDisk }
  if (inDisk < length) yield { kind: 'zero', length: length - inDisk }
}
