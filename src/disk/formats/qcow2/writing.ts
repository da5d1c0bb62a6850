import { type Problem, VivariumError } from '../../../base/index.ts'
import type { ClusterParts } from './cluster-layer.ts'
import { corrupt } from './damage.ts'
import { clustersOf } from './dimensions.ts'
import type { HostFile } from './host-file.ts'
import type { Mapping } from './mapping.ts'
import { MetadataMap } from './metadata-map.ts'
import type { Parsed } from './parsed-image.ts'
import { type RefcountTable, readRefcountTable } from './refcount-table.ts'
import { Refcounts } from './refcounts.ts'
import { snapshotClusters } from './snapshots.ts'
import { survey } from './survey.ts'

/** Tables of an image up to about 128 GiB are followed before the first write; larger ones when they are met. */
const MAX_CHECKED_BYTES = 16 << 20

/** @throws VivariumError kind `corrupt` where writing could make damage worse. */
export function prepareToWrite(
  parsed: Parsed,
  host: HostFile,
  mapping: Mapping,
): NonNullable<ClusterParts['writing']> {
  const { header, layout, snapshots } = parsed
  refuse(parsed.problems.filter(({ code }) => PREVENTS_WRITING.has(code)))
  const table = readRefcountTable(host, header)
  const guard = new MetadataMap([...metadataClusters(parsed, table, mapping)])
  const doubled = guard.doubled()
  if (doubled !== undefined)
    throw corrupt(host.store, 'qcow2-tables-overlap', `Two tables of the image claim cluster ${doubled}.`, {
      offset: doubled * layout.clusterSize,
    })
  const { problems } = survey(host, layout, header, snapshots, MAX_CHECKED_BYTES)
  refuse(problems.filter(({ severity }) => severity === 'error'))
  return { refcounts: new Refcounts(host, layout, table, guard), guard, autoclear: header.autoclear !== 0n }
}

const PREVENTS_WRITING = new Set(['qcow2-marked-corrupt', 'qcow2-marked-dirty', 'qcow2-snapshots-damaged'])

function refuse([damage]: readonly Problem[]): void {
  if (damage === undefined) return
  throw new VivariumError('corrupt', damage.code, damage.message, {
    ...(damage.where && { where: damage.where }),
    next: damage.next ?? 'It can still be read.',
  })
}

function* metadataClusters(
  { header, layout, snapshots }: Parsed,
  table: RefcountTable,
  mapping: Mapping,
): Generator<number> {
  const { clusterSize } = layout
  yield 0
  for (const { at, length } of [
    { at: header.l1Offset, length: header.l1Entries * 8 },
    { at: table.offset, length: table.clusters * clusterSize },
  ]) {
    const { first, end } = clustersOf(at, length, clusterSize)
    for (let cluster = first; cluster < end; cluster++) yield cluster
  }
  for (const block of table.blocks) if (block !== 0) yield block / clusterSize
  for (let index = 0; index < layout.l1Entries; index++) {
    const l2Table = mapping.tableAt(index)
    if (l2Table !== 0) yield l2Table / clusterSize
  }
  if (snapshots !== undefined) yield* snapshotClusters(snapshots, clusterSize)
}
