import type { Segment, UnitMap } from './layout.ts'
import { unitRuns } from './unit-map.ts'

/** How fine the holes of flat images are: small enough to find most, large enough that looking costs little. */
export const FLAT_UNIT = 256 << 10

/** The whole disk as it is, for raw images and fixed ones; or units [from, to) of it. */
export function* flatSegments(map: UnitMap, sizeBytes: number, from = 0, to = map.count): Generator<Segment> {
  for (const { first, end, kind } of unitRuns(map, from, to)) {
    const offset = first * map.unitBytes
    const length = Math.min(end * map.unitBytes, sizeBytes) - offset
    yield kind === 'data' ? { kind: 'guest', offset, length } : { kind: 'zero', length }
  }
}
