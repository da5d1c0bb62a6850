import { type ByteStore, bytesEqual, formatSize, plural, viewOf } from '../../base/index.ts'
import { SECTOR } from '../format.ts'
import { GRAIN_ABSENT, GRAIN_ZERO, isTableInside, readDirectories } from '../formats/vmdk/grain-tables.ts'
import { readSparseHeader } from '../formats/vmdk/sparse-extent.ts'
import { layoutOf, MAGIC, type SparseLayout, UNCLEAN_SHUTDOWN_AT } from '../formats/vmdk/sparse-header.ts'
import type { Doctor } from './doctor.ts'
import { type Patient, tell } from './patient.ts'
import type { Surgery } from './surgery.ts'

/** Ranges of the disk that a sentence names. */
const NAMED_RUNS = 5

/** VMDK, one sparse file: directory and tables are there twice in most of them, and mend each other. */
export const vmdkDoctor: Doctor = {
  format: 'vmdk',
  recognises: isSparse,
  *treat(surgery, report, options) {
    const patient: Patient = { surgery, store: surgery.store, path: surgery.store.name, options, report }
    if (!isSparse(surgery.store)) return // a descriptor alone: text, which Inspect explains
    const header = readSparseHeader(surgery.store)
    if (header.directory === 'end' || header.capacity === 0) return
    const layout = layoutOf(header, surgery.size, patient.path)
    const { redundantAt, directoryAt, tables, entriesPerTable } = layout
    const fault = (
      code: string,
      severity: 'error' | 'warning' | 'note',
      message: string,
      offset: number,
      cure: 'repair' | 'hopeless' = 'repair',
    ) => tell(patient, { code, severity, message, offset, field: 'grain tables', cure })
    if (header.uncleanShutdown) markClosed(patient)
    const { primary, redundant, repaired } = readDirectories(surgery.store, layout)
    if (repaired > 0) {
      fault(
        'vmdk-directory-damaged',
        'error',
        `${plural(repaired, 'entry of the grain directory is', 'entries of the grain directory are')} damaged; its copy tells what was there.`,
        directoryAt,
      )
      const bytes = new Uint8Array(tables * 4)
      const view = viewOf(bytes)
      for (const [index, entry] of primary.entries()) view.setUint32(index * 4, entry, true)
      surgery.write(directoryAt, bytes, {
        what: `Write ${plural(repaired, 'entry', 'entries')} of the grain directory from its copy.`,
        why: 'They point outside the file.',
      })
    }
    const away: number[] = []
    const outside: number[] = []
    let differing = 0
    for (const [index, sector] of primary.entries()) {
      yield index / tables
      if (sector === 0) continue
      if (!isTableInside(layout, sector, surgery.size)) away.push(index)
      else {
        const mended = mendTable(surgery, layout, { index, sector, copy: redundant?.[index] ?? 0 })
        outside.push(...mended.lost.map((entry) => index * entriesPerTable + entry))
        if (mended.differed) differing++
      }
    }
    if (away.length > 0)
      fault(
        'vmdk-table-outside-file',
        'error',
        `${plural(away.length, 'grain table does', 'grain tables do')} not lie within the file, and no copy is there; the first is table ${away[0]}.`,
        directoryAt + away[0]! * 4,
        'hopeless',
      )
    if (differing > 0)
      fault(
        'vmdk-copies-differ',
        'warning',
        `${plural(differing, 'grain table differs from its copy, or has', 'grain tables differ from their copies, or have')} lost it.`,
        redundantAt ?? 0,
      )
    if (outside.length > 0)
      fault(
        'vmdk-grain-outside-file',
        'error',
        `${plural(outside.length, 'grain does', 'grains do')} not lie within the file; the first is grain ${outside[0]} (disk bytes from ${outside[0]! * layout.grainBytes}).`,
        directoryAt,
      )
  },
}

interface TablePlace {
  readonly index: number
  readonly sector: number
  /** Sector of the redundant table; 0 = none. */
  readonly copy: number
}

/** Makes a table and its copy alike, with every grain that one of them has within the file. */
function mendTable(
  surgery: Surgery,
  layout: SparseLayout,
  { index, sector, copy }: TablePlace,
): { lost: number[]; differed: boolean } {
  const { entriesPerTable, redundantAt, grainBytes, packed, zeroedGrains } = layout
  const hasCopy = copy !== 0 && copy !== sector
  const copyInside = hasCopy && isTableInside(layout, copy, surgery.size)
  const copyBytes = copyInside ? surgery.bytesAt(copy * SECTOR, entriesPerTable * 4) : undefined
  const isInside = (entry: number) => entry * SECTOR + (packed ? 1 : grainBytes) <= surgery.size
  const cured = cureTable(
    surgery.bytesAt(sector * SECTOR, entriesPerTable * 4),
    copyBytes,
    zeroedGrains,
    isInside,
  )
  let differed = cured.changed && cured.lost.length === 0
  if (cured.changed)
    surgery.write(sector * SECTOR, cured.bytes, {
      ...reasonOf(
        index,
        cured.lost.map((entry) => (index * entriesPerTable + entry) * grainBytes),
        grainBytes,
      ),
      loses: cured.lost.length > 0,
    })
  if (copyBytes !== undefined && !bytesEqual(copyBytes, cured.bytes)) {
    differed = true
    surgery.write(copy * SECTOR, cured.bytes, {
      what: `Write the copy of grain table ${index}.`,
      why: 'It differs from the table.',
    })
  }
  if (hasCopy && !copyInside && redundantAt !== undefined) {
    differed = true
    const entry = new Uint8Array(4)
    viewOf(entry).setUint32(0, sector, true)
    surgery.write(redundantAt + index * 4, entry, {
      what: `Point entry ${index} of the directory's copy to the table itself.`,
      why: 'The copy of the table is not within the file.',
    })
  }
  return { lost: cured.lost, differed }
}

/** @param lost Disk bytes at which the lost grains begin. */
function reasonOf(table: number, lost: readonly number[], grainBytes: number) {
  if (lost.length === 0)
    return {
      what: `Write grain table ${table} from its copy.`,
      why: 'Some of its grains do not lie within the file; its copy has them all.',
    }
  const runs: { from: number; to: number }[] = []
  for (const at of lost) {
    const last = runs.at(-1)
    if (last?.to === at) last.to += grainBytes
    else runs.push({ from: at, to: at + grainBytes })
  }
  const named = runs.slice(0, NAMED_RUNS).map(({ from, to }) => `${from} to ${to - 1}`)
  const more = runs.length > NAMED_RUNS ? ` and ${runs.length - NAMED_RUNS} more` : ''
  return {
    what: `Write grain table ${table}, and mark ${plural(lost.length, 'grain')} of it as absent.`,
    why: `Neither the table nor a copy says where in the file they are. What they held is lost (${formatSize(lost.length * grainBytes)}): the disk shows zeroes, or its parent, at its bytes ${named.join(', ')}${more}.`,
  }
}

function markClosed(patient: Patient): void {
  tell(patient, {
    ...{ code: 'vmdk-unclean-shutdown', severity: 'note', field: 'header', offset: UNCLEAN_SHUTDOWN_AT },
    message: 'The disk was not closed properly when it was last written to.',
    cure: 'repair',
  })
  patient.surgery.write(UNCLEAN_SHUTDOWN_AT, new Uint8Array(1), {
    what: 'Mark the disk as closed.',
    why: 'Its tables were examined.',
  })
}

function isSparse(store: ByteStore): boolean {
  if (store.size() < SECTOR) return false
  const start = new Uint8Array(MAGIC.length)
  store.read(0, start)
  return bytesEqual(start, MAGIC)
}

/** Takes what can be from the copy; what neither has becomes absent. */
function cureTable(
  table: Uint8Array,
  copy: Uint8Array | undefined,
  zeroedGrains: boolean,
  isInside: (entry: number) => boolean,
): { bytes: Uint8Array; changed: boolean; lost: number[] } {
  const bytes = table.slice()
  const view = viewOf(bytes)
  const lost: number[] = []
  let changed = false
  const fits = (entry: number) =>
    entry === GRAIN_ABSENT || (entry === GRAIN_ZERO && zeroedGrains) || isInside(entry)
  for (let index = 0; index < bytes.length / 4; index++) {
    if (fits(view.getUint32(index * 4, true))) continue
    const other = copy && viewOf(copy).getUint32(index * 4, true)
    changed = true
    if (other !== undefined && other !== GRAIN_ABSENT && fits(other)) view.setUint32(index * 4, other, true)
    else {
      view.setUint32(index * 4, GRAIN_ABSENT, true)
      lost.push(index)
    }
  }
  return { bytes, changed, lost }
}
