import { plural, VivariumError, viewOf } from '../../../base/index.ts'
import type { Layout } from '../../formats/qcow2/dimensions.ts'
import { formatRefcountTableField, type Header, REFCOUNT_TABLE_FIELD } from '../../formats/qcow2/header.ts'
import { HostFile } from '../../formats/qcow2/host-file.ts'
import { formatTable, type RefcountTable, readRefcountTable } from '../../formats/qcow2/refcount-table.ts'
import { readRefcount, writeRefcount } from '../../formats/qcow2/refcount-width.ts'
import { type Patient, tell } from '../patient.ts'
import type { References } from './references.ts'

interface Differences {
  readonly low: number[]
  readonly leaked: number
}

/** Makes every refcount what the tables say: in place, or in new blocks behind the file where the old ones are damaged. */
export function cureRefcounts(
  patient: Patient,
  header: Header,
  layout: Layout,
  references: References,
): void {
  const { surgery } = patient
  const table = usableTable(patient, header, layout)
  const wanted = Float64Array.from(references.counts)
  if (table !== undefined) {
    const own = ownClusters(table, layout)
    if (own.every((cluster) => cluster < wanted.length && wanted[cluster] === 0)) {
      for (const cluster of own) wanted[cluster] = 1
      if (writeInPlace(patient, table, layout, wanted)) return
    } else
      tell(patient, {
        ...{ code: 'qcow2-tables-overlap', severity: 'error', field: 'refcount table', offset: table.offset },
        message: 'The refcounts lie on top of other tables or data of the image.',
        cure: 'repair',
      })
  }
  const plan = planAtEnd(references.counts, layout)
  for (const [at, bytes] of plan.writes)
    surgery.write(at, bytes, {
      what: `Write refcounts anew at byte ${at}.`,
      why: 'The old ones are damaged or do not count all clusters.',
    })
  surgery.write(REFCOUNT_TABLE_FIELD, formatRefcountTableField(plan.offset, plan.clusters), {
    what: 'Name the new refcount table in the header.',
    why: 'The old one is given up.',
  })
}

function usableTable(patient: Patient, header: Header, { clusterSize }: Layout): RefcountTable | undefined {
  try {
    return readRefcountTable(new HostFile(patient.store, clusterSize), header)
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
    tell(patient, {
      ...{ code: error.code, severity: 'error', message: error.message, cure: 'repair' },
      ...{ field: 'refcount table', offset: REFCOUNT_TABLE_FIELD },
    })
    return undefined
  }
}

function ownClusters({ offset, clusters, blocks }: RefcountTable, { clusterSize }: Layout): number[] {
  const own = Array.from({ length: clusters }, (_, index) => offset / clusterSize + index)
  for (const block of blocks) if (block !== 0) own.push(block / clusterSize)
  return new Set(own).size === own.length ? own : [Number.POSITIVE_INFINITY]
}

/** False when some used cluster has no block to be counted in. */
function writeInPlace(
  patient: Patient,
  table: RefcountTable,
  { clusterSize, refcountBits }: Layout,
  wanted: Float64Array,
): boolean {
  const { surgery } = patient
  const perBlock = (clusterSize * 8) / refcountBits
  const most = refcountBits >= 16 ? 0xffff : 2 ** refcountBits - 1
  const low: number[] = []
  let leaked = 0
  let missing = false
  const writes: [number, Uint8Array][] = []
  const blockCount = Math.max(table.blocks.length, Math.ceil(wanted.length / perBlock))
  for (let index = 0; index < blockCount; index++) {
    const at = table.blocks[index] ?? 0
    const first = index * perBlock
    if (at === 0) {
      for (let cluster = first; cluster < Math.min(first + perBlock, wanted.length); cluster++)
        if (wanted[cluster]! > 0) {
          missing = true
          low.push(cluster)
        }
      continue
    }
    const bytes = surgery.bytesAt(at, Math.min(clusterSize, surgery.size - at))
    const view = viewOf(bytes)
    for (let entry = 0; entry < (bytes.length * 8) / refcountBits; entry++) {
      const want = Math.min(most, wanted[first + entry] ?? 0)
      const counted = readRefcount(view, entry, refcountBits)
      if (counted === want) continue
      if (counted < want) low.push(first + entry)
      else leaked++
      writeRefcount(view, entry, refcountBits, want)
    }
    writes.push([at, bytes])
  }
  tellCounts(patient, { low, leaked }, clusterSize)
  if (missing) return false
  for (const [at, bytes] of writes)
    surgery.write(at, bytes, {
      what: `Correct the refcounts in the block at byte ${at}.`,
      why: 'They do not agree with the tables.',
    })
  return true
}

function tellCounts(patient: Patient, { low, leaked }: Differences, clusterSize: number): void {
  if (low.length > 0)
    tell(patient, {
      ...{
        code: 'qcow2-refcount-too-low',
        severity: 'error',
        field: 'refcounts',
        offset: low[0]! * clusterSize,
      },
      message: `${plural(low.length, 'cluster is used by more than its refcount says', 'clusters are used by more than their refcounts say')}; the first is cluster ${low[0]}.`,
      cure: 'repair',
    })
  if (leaked > 0)
    tell(patient, {
      ...{ code: 'qcow2-leaked-clusters', severity: 'note', field: 'refcounts' },
      message: `${plural(leaked, `cluster of ${clusterSize} bytes is`, `clusters of ${clusterSize} bytes are`)} counted as used, or as used by too many.`,
      cure: 'repair',
    })
}

interface RefcountPlan {
  readonly offset: number
  readonly clusters: number
  readonly writes: readonly (readonly [number, Uint8Array])[]
}

/** Table, then blocks, behind everything; they count themselves too. */
function planAtEnd(counts: Uint16Array, { clusterSize, refcountBits }: Layout): RefcountPlan {
  const perBlock = (clusterSize * 8) / refcountBits
  const most = refcountBits >= 16 ? 0xffff : 2 ** refcountBits - 1
  const start = counts.length
  let clusters = 1
  let blocks = 1
  for (;;) {
    const neededBlocks = Math.ceil((start + clusters + blocks) / perBlock)
    const neededClusters = Math.ceil((neededBlocks * 8) / clusterSize)
    if (neededBlocks <= blocks && neededClusters <= clusters) break
    blocks = Math.max(blocks, neededBlocks)
    clusters = Math.max(clusters, neededClusters)
  }
  const offset = start * clusterSize
  const end = start + clusters + blocks
  const places = new Float64Array((clusters * clusterSize) / 8)
  const writes: [number, Uint8Array][] = []
  for (let index = 0; index < blocks; index++) {
    places[index] = (start + clusters + index) * clusterSize
    const bytes = new Uint8Array(clusterSize)
    const view = viewOf(bytes)
    for (let entry = 0; entry < perBlock; entry++) {
      const cluster = index * perBlock + entry
      const count = cluster < start ? counts[cluster]! : cluster < end ? 1 : 0
      if (count > 0) writeRefcount(view, entry, refcountBits, Math.min(most, count))
    }
    writes.push([places[index]!, bytes])
  }
  writes.unshift([offset, formatTable(places, 0, places.length)])
  return { offset, clusters, writes }
}
