import type { Problem } from '../../../base/index.ts'
import { NEXT_CHECK } from '../../next-steps.ts'
import { clustersOf, type Layout } from './dimensions.ts'
import { isCopied, kindOf, offsetOf, packedRangeOf, readOffsets } from './entries.ts'
import type { Header } from './header.ts'
import type { HostFile } from './host-file.ts'
import { MetadataMap } from './metadata-map.ts'
import { readRefcountTable } from './refcount-table.ts'
import { Refcounts } from './refcounts.ts'
import type { SnapshotTable } from './snapshots.ts'

/** Tables of more bytes than this are not all read: then only an estimate is given, and no refcount is checked. */
export const MAX_SURVEY_BYTES = 256 << 20
/** Two bytes for each cluster of the file: 1 TiB of clusters of 64 KiB. */
const MAX_COUNT_BYTES = 32 << 20
const MAX_REFERENCES = 0xffff

export interface Survey {
  /** Bytes of guest data that the file stores for the active disk. */
  readonly allocated: number
  readonly problems: readonly Problem[]
}

interface Findings {
  allocated: number
  outside: number
  firstOutside: number | undefined
  wrongFlags: number
  /** Bytes of tables that may still be read. */
  budget: number
}

/**
 * Follows every table, the snapshots' too, counts who points to each cluster and compares that with the refcounts:
 * too low means that data will be overwritten one day, too high that space is wasted.
 */
export function survey(
  host: HostFile,
  layout: Layout,
  header: Header,
  snapshots: SnapshotTable | undefined,
  budget = MAX_SURVEY_BYTES,
): Survey {
  const table = readRefcountTable(host, header)
  const exact = host.endCluster * 2 <= Math.min(budget, MAX_COUNT_BYTES) && snapshots !== undefined
  const references = new Uint16Array(exact ? host.endCluster : 0)
  const findings: Findings = { allocated: 0, outside: 0, firstOutside: undefined, wrongFlags: 0, budget }
  const refcounts = new Refcounts(host, layout, table, new MetadataMap([]))
  const count = (at: number, length: number): void => {
    const { first, end } = clustersOf(at, length, layout.clusterSize)
    if (length > 0 && end > host.endCluster) note(findings, at)
    else
      for (let held = first; held < end && exact; held++)
        if (references[held]! < MAX_REFERENCES) references[held]!++
  }
  count(0, layout.clusterSize)
  count(table.offset, table.clusters * layout.clusterSize)
  for (const block of table.blocks) if (block !== 0) count(block, layout.clusterSize)
  const walk = (l1Offset: number, l1Entries: number, active: boolean): void => {
    if (findings.budget < 0) return
    count(l1Offset, l1Entries * 8)
    if (l1Offset + l1Entries * 8 > host.endCluster * layout.clusterSize) return
    walkL1({ host, layout, refcounts, findings, count }, l1Offset, l1Entries, active)
  }
  walk(header.l1Offset, header.l1Entries, true)
  if (snapshots !== undefined) {
    count(snapshots.offset, snapshots.length)
    for (const snapshot of snapshots.snapshots) walk(snapshot.l1Offset, snapshot.l1Entries, false)
  }
  const complete = exact && findings.budget >= 0
  const compared = complete ? compare(references, refcounts) : { low: [], leaked: 0 }
  refcounts.close()
  return { allocated: findings.allocated, problems: problemsOf(host, findings, compared) }
}

function note(findings: Findings, at: number): void {
  findings.outside++
  findings.firstOutside ??= at
}

interface Walk {
  readonly host: HostFile
  readonly layout: Layout
  readonly refcounts: Refcounts
  readonly findings: Findings
  readonly count: (at: number, length: number) => void
}

function walkL1(walk: Walk, l1Offset: number, l1Entries: number, active: boolean): void {
  const { host, layout, findings, count } = walk
  findings.budget -= l1Entries * 8
  if (findings.budget < 0) return
  const bytes = new Uint8Array(l1Entries * 8)
  host.read(l1Offset, bytes)
  for (const table of readOffsets(bytes)) {
    if (table === 0) continue
    count(table, layout.clusterSize)
    if (table % layout.clusterSize !== 0) note(findings, table)
    else if (table < host.size) walkL2(walk, table, active)
    if (findings.budget < 0) return
  }
}

function walkL2({ host, layout, refcounts, findings, count }: Walk, table: number, active: boolean): void {
  const { clusterSize, clusterBits } = layout
  findings.budget -= clusterSize
  if (findings.budget < 0) return
  const bytes = new Uint8Array(clusterSize)
  host.read(table, bytes)
  const view = new DataView(bytes.buffer)
  for (let entry = 0; entry < clusterSize; entry += 8) {
    const high = view.getUint32(entry)
    const low = view.getUint32(entry + 4)
    if (high === 0 && low === 0) continue
    const kind = kindOf(high, low)
    const offset = offsetOf(high, low)
    if (active && (kind === 'data' || kind === 'packed')) findings.allocated += clusterSize
    if (kind === 'packed') {
      const range = packedRangeOf(high, low, clusterBits)
      count(range.at, Math.min(range.length, Math.max(1, host.size - range.at)))
    } else if (offset !== 0) {
      count(offset, clusterSize)
      if (offset % clusterSize !== 0) note(findings, offset)
      else if (active && isCopied(high) && refcounts.get(offset / clusterSize) !== 1) findings.wrongFlags++
    }
  }
}

function compare(references: Uint16Array, refcounts: Refcounts): { low: number[]; leaked: number } {
  const low: number[] = []
  let leaked = 0
  for (let cluster = 0; cluster < references.length; cluster++) {
    const counted = refcounts.get(cluster)
    if (counted < references[cluster]!) low.push(cluster)
    else if (counted > references[cluster]! && references[cluster]! < MAX_REFERENCES) leaked++
  }
  return { low, leaked }
}

function problemsOf(
  host: HostFile,
  findings: Findings,
  counts: { low: number[]; leaked: number },
): Problem[] {
  const path = host.store.name
  const problems: Problem[] = []
  const damaged = (code: string, message: string, offset?: number): void => {
    const where = { path, ...(offset !== undefined && { offset }) }
    problems.push({ code, severity: 'error', message, next: NEXT_CHECK, where })
  }
  if (findings.firstOutside !== undefined)
    damaged(
      'qcow2-cluster-outside-file',
      `${findings.outside} clusters are no clusters of the file; the first should lie at byte ${findings.firstOutside}.`,
      findings.firstOutside,
    )
  if (counts.low.length > 0)
    damaged(
      'qcow2-refcount-too-low',
      `${counts.low.length} clusters are used by more than their refcounts say; the first is cluster ${counts.low[0]}.`,
      counts.low[0]! * host.clusterSize,
    )
  if (findings.wrongFlags > 0)
    damaged(
      'qcow2-copied-flag',
      `${findings.wrongFlags} clusters are marked as the active disk's own, and are shared.`,
    )
  if (counts.leaked > 0)
    problems.push({
      code: 'qcow2-leaked-clusters',
      severity: 'note',
      message: `${counts.leaked} clusters of ${host.clusterSize} bytes are counted as used and hold nothing.`,
      next: 'Only space is wasted, as after a power failure. It comes back when the disk is compacted or converted.',
      where: { path },
    })
  return problems
}
