import { plural, viewOf } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { type Layout, layoutOf } from '../../formats/qcow2/dimensions.ts'
import { COPIED } from '../../formats/qcow2/entries.ts'
import { parseExtensions } from '../../formats/qcow2/extensions.ts'
import { requireReadable } from '../../formats/qcow2/features.ts'
import {
  firstClusterBytes,
  type Header,
  hasMagic,
  parseHeader,
  REFCOUNT_TABLE_FIELD,
} from '../../formats/qcow2/header.ts'
import { readSnapshots } from '../../formats/qcow2/snapshots.ts'
import type { Doctor } from '../doctor.ts'
import { type Patient, tell } from '../patient.ts'
import { cureRefcounts } from './refcount-cure.ts'
import { countReferences, MAX_CLUSTERS, type References } from './references.ts'

const INCOMPATIBLE_AT = 72
const DIRTY = 1n
const CORRUPT = 2n
const MAX_COPIED_CLUSTERS = 64

/**
 * QCOW2: the tables say what is used, and the refcounts are worked out anew from them. What points nowhere becomes
 * absent; data on top of a table moves to a place of its own; two pointers to the same data share it by its count.
 */
export const qcow2Doctor: Doctor = {
  format: 'qcow2',
  recognises: hasMagic,
  *treat(surgery, report, options) {
    const patient: Patient = { surgery, store: surgery.store, path: surgery.store.name, options, report }
    const { store } = surgery
    dropImpossibleTable(patient)
    const cluster = surgery.bytesAt(
      0,
      Math.min(store.size(), firstClusterBytes(store, surgery.bytesAt(0, SECTOR))),
    )
    const header = parseHeader(store, cluster)
    const end = header.backingOffset > 0 ? Math.min(header.backingOffset, cluster.length) : cluster.length
    const extensions = parseExtensions(store, cluster.subarray(0, end), header.headerLength)
    requireReadable(store, header, extensions.featureNames)
    const layout = layoutOf(store, header, Math.ceil(header.sizeBytes / SECTOR) * SECTOR)
    const snapshots = readSnapshots(store, header)
    if (extensions.hasBitmaps || store.size() / layout.clusterSize > MAX_CLUSTERS) {
      tell(patient, {
        ...{ code: 'qcow2-not-examined', severity: 'note', field: 'refcounts' },
        message: extensions.hasBitmaps
          ? 'The image holds persistent bitmaps, which are not followed here: its refcounts were not examined.'
          : 'The image has too many clusters: its refcounts were not examined.',
        cure: { next: 'Use qemu-img check for that.' },
      })
      return
    }
    let references = yield* countReferences(surgery, header, layout, snapshots)
    if (references.wrong.length > 0) {
      clearWrong(patient, references)
      references = yield* countReferences(surgery, header, layout, snapshots)
    }
    if (moveFromTables(patient, header, layout, references))
      references = yield* countReferences(surgery, header, layout, snapshots)
    cureRefcounts(patient, header, layout, references)
    cureMarks(patient, references, layout)
    clearFlags(patient, header)
  },
}

/** An offset that is no number of bytes: nothing could be read at all with it. */
function dropImpossibleTable(patient: Patient): void {
  const { surgery } = patient
  const offset = viewOf(surgery.bytesAt(REFCOUNT_TABLE_FIELD, 8)).getBigUint64(0)
  if (offset <= BigInt(Number.MAX_SAFE_INTEGER)) return
  tell(patient, {
    ...{
      code: 'qcow2-number-too-large',
      severity: 'error',
      field: 'refcount table',
      offset: REFCOUNT_TABLE_FIELD,
    },
    message: `The refcount table offset is 0x${offset.toString(16)}.`,
    cure: 'repair',
  })
  surgery.write(REFCOUNT_TABLE_FIELD, new Uint8Array(12), {
    what: "Clear the refcount table's place in the header.",
    why: 'No file has that many bytes; a new table is made.',
  })
}

function clearWrong(patient: Patient, { wrong }: References): void {
  const { surgery } = patient
  tell(patient, {
    ...{
      code: 'qcow2-cluster-outside-file',
      severity: 'error',
      field: 'L1 and L2 tables',
      offset: wrong[0]!.at,
    },
    message: `${plural(wrong.length, 'entry of the tables points', 'entries of the tables point')} to no cluster of the file.`,
    cure: 'repair',
  })
  for (const { at } of wrong)
    surgery.write(at, new Uint8Array(8), {
      what: `Clear the table entry at byte ${at}.`,
      why: 'It points to no cluster of the file: what it held is not there. The disk shows zeroes, or its backing file.',
      loses: true,
    })
}

/** Data may not lie on the header, or on a table: writing to it would destroy that. True when something was moved. */
function moveFromTables(
  patient: Patient,
  header: Header,
  { clusterSize }: Layout,
  references: References,
): boolean {
  const { surgery } = patient
  const tables = new Set<number>([0])
  for (let at = header.l1Offset; at < header.l1Offset + header.l1Entries * 8; at += clusterSize)
    tables.add(Math.floor(at / clusterSize))
  const l1End = header.l1Offset + header.l1Entries * 8
  const isL1Entry = (at: number) => at >= header.l1Offset && at < l1End
  for (const { at, target } of references.marked) if (isL1Entry(at)) tables.add(target! / clusterSize)
  const onTables = references.marked.filter(
    ({ at, target }) => !isL1Entry(at) && tables.has(target! / clusterSize),
  )
  if (onTables.length === 0) return false
  const hopeless = onTables.length > MAX_COPIED_CLUSTERS
  tell(patient, {
    ...{ code: 'qcow2-tables-overlap', severity: 'error', field: 'L2 tables', offset: onTables[0]!.at },
    message: `${plural(onTables.length, 'cluster of data lies', 'clusters of data lie')} on the image's own tables.`,
    cure: hopeless ? 'convert' : 'repair',
  })
  if (hopeless) return false
  for (const { at, target } of onTables) {
    const to = Math.ceil(Math.max(surgery.size, surgery.sizeBefore) / clusterSize) * clusterSize
    surgery.copyToEnd(target!, to, Math.min(clusterSize, surgery.sizeBefore - target!), {
      what: `Copy the cluster at byte ${target} to byte ${to}.`,
      why: 'It lies on a table of the image: a guest that writes to it would destroy that.',
    })
    if (surgery.size < to + clusterSize)
      surgery.resize(to + clusterSize, {
        what: 'Extend the file to a whole cluster.',
        why: 'The copy ends within one.',
      })
    const entry = surgery.bytesAt(at, 8)
    viewOf(entry).setBigUint64(0, (viewOf(entry).getBigUint64(0) & 0x80000000000001ffn) | BigInt(to))
    surgery.write(at, entry, {
      what: `Point the entry at byte ${at} to the copy.`,
      why: 'The disk shows what it showed before.',
    })
  }
  return true
}

function cureMarks(patient: Patient, { counts, marked }: References, { clusterSize }: Layout): void {
  const { surgery } = patient
  const wrong = marked.filter(({ target, copied }) => copied !== (counts[target! / clusterSize] === 1))
  if (wrong.length === 0) return
  tell(patient, {
    ...{ code: 'qcow2-copied-flag', severity: 'error', field: 'L1 and L2 tables', offset: wrong[0]!.at },
    message: `The mark "copied" of ${plural(wrong.length, 'entry', 'entries')} does not agree with the refcounts.`,
    cure: 'repair',
  })
  for (const { at, copied } of wrong) {
    const high = surgery.bytesAt(at, 4)
    viewOf(high).setUint32(
      0,
      copied ? viewOf(high).getUint32(0) & ~COPIED : viewOf(high).getUint32(0) | COPIED,
    )
    surgery.write(at, high, {
      what: `Correct the mark "copied" of the entry at byte ${at}.`,
      why: 'It tells whether the cluster may be written in place.',
    })
  }
}

function clearFlags(patient: Patient, { incompatible }: Header): void {
  const { surgery } = patient
  const set = incompatible & (DIRTY | CORRUPT)
  if (set === 0n) return
  const isCorrupt = (set & CORRUPT) !== 0n
  tell(patient, {
    code: isCorrupt ? 'qcow2-marked-corrupt' : 'qcow2-marked-dirty',
    severity: isCorrupt ? 'error' : 'warning',
    message: isCorrupt
      ? 'The program that wrote the image last found it damaged and marked it so.'
      : 'The image was not closed by the program that wrote it: its refcounts may be wrong.',
    ...{ field: 'incompatible features', offset: INCOMPATIBLE_AT },
    cure: 'repair',
  })
  const bytes = new Uint8Array(8)
  viewOf(bytes).setBigUint64(0, incompatible & ~(DIRTY | CORRUPT))
  surgery.write(INCOMPATIBLE_AT, bytes, {
    what: 'Clear the marks "dirty" and "corrupt".',
    why: 'The refcounts were worked out anew.',
  })
}
