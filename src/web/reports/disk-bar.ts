import type { PartitionReport } from '../../disk/index.ts'

const COLORS = ['#257a43', '#1f6f8b', '#8a5a2b', '#6b4fa0', '#a2443f', '#4d6b2f'] as const

/** Number 0 is the file system that fills a disk without partitions. */
export function colorOf({ number }: Pick<PartitionReport, 'number'>): string {
  return COLORS[(number + COLORS.length - 1) % COLORS.length]!
}

/** One piece of the drawn disk: a partition, or the space between. */
export interface Segment {
  readonly partition?: PartitionReport
  readonly offset: number
  readonly sizeBytes: number
  /** Share of the drawn width in percent; all segments together are 100. */
  readonly width: number
}

/** Gaps below this share of the disk are alignment, not space that somebody left free. */
const GAP_SHARE = 0.004
/** So that a small partition on a large disk can still be seen and pointed at. */
const MIN_WIDTH = 3

/**
 * The disk from its first byte to its last. An extended partition gives way to the logical ones inside it;
 * partitions that overlap otherwise are drawn one after the other from where the one before ended.
 */
export function segmentsOf(partitions: readonly PartitionReport[], virtualSize: number): Segment[] {
  const raw: Omit<Segment, 'width'>[] = []
  let at = 0
  const drawn = partitions.filter((outer) => !partitions.some((inner) => contains(outer, inner)))
  for (const partition of drawn.sort((a, b) => a.offset - b.offset)) {
    const start = Math.max(at, partition.offset)
    const end = Math.min(virtualSize, partition.offset + partition.sizeBytes)
    if (end <= start) continue
    if (start - at > virtualSize * GAP_SHARE) raw.push({ offset: at, sizeBytes: start - at })
    raw.push({ partition, offset: partition.offset, sizeBytes: end - start })
    at = end
  }
  if (virtualSize - at > virtualSize * GAP_SHARE) raw.push({ offset: at, sizeBytes: virtualSize - at })
  const shares = raw.map((segment) => Math.max(MIN_WIDTH, (segment.sizeBytes / virtualSize) * 100))
  const sum = shares.reduce((total, share) => total + share, 0)
  return raw.map((segment, index) => ({ ...segment, width: ((shares[index] ?? 0) / sum) * 100 }))
}

function contains(outer: PartitionReport, inner: PartitionReport): boolean {
  const inside =
    inner.offset >= outer.offset && inner.offset + inner.sizeBytes <= outer.offset + outer.sizeBytes
  return inside && inner.sizeBytes < outer.sizeBytes
}
