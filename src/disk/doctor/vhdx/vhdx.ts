import {
  asciiBytes,
  asciiOf,
  type ByteStore,
  bytesEqual,
  MiB,
  plural,
  VivariumError,
} from '../../../base/index.ts'
import { layoutOf } from '../../formats/vhdx/bat.ts'
import { isVhdx } from '../../formats/vhdx/file-identifier.ts'
import { NO_GUID } from '../../formats/vhdx/guid.ts'
import {
  formatHeader,
  HEADER_BYTES,
  HEADER_OFFSETS,
  type Header,
  parseHeader,
} from '../../formats/vhdx/header.ts'
import { readMetadata } from '../../formats/vhdx/metadata.ts'
import { REGION_TABLE_BYTES, REGION_TABLE_OFFSETS, readRegions } from '../../formats/vhdx/region-table.ts'
import { readReplay } from '../../formats/vhdx/replay.ts'
import type { Doctor } from '../doctor.ts'
import { type Patient, tell } from '../patient.ts'
import { cureBlocks } from './blocks.ts'

/**
 * VHDX keeps its headers and region tables twice, and its log says what was being done: the copies mend each other,
 * the log is replayed, or given up where it is damaged itself, and then the table of blocks is looked at.
 */
export const vhdxDoctor: Doctor = {
  format: 'vhdx',
  recognises: (store, name) =>
    isVhdx(store) || headersOf(store).some((header) => header !== undefined) || /\.a?vhdx$/i.test(name),
  *treat(surgery, report, options) {
    const patient: Patient = { surgery, store: surgery.store, path: surgery.store.name, options, report }
    const header = cureHeaders(patient)
    cureIdentifier(patient, header !== undefined)
    if (header === undefined) return
    cureRegionTables(patient, 'before')
    cureLog(patient, header)
    cureRegionTables(patient, 'after')
    const regions = readRegions(patient.store)
    const metadata = readMetadata(patient.store, regions.metadata)
    const layout = layoutOf(patient.store, regions.bat, metadata)
    const log = { offset: header.logOffset, length: header.logLength }
    yield* cureBlocks(patient, layout, [{ offset: 0, length: MiB }, log, ...regions.all])
  },
}

function headersOf(store: ByteStore): (Header | undefined)[] {
  return HEADER_OFFSETS.map((offset) => {
    if (offset + HEADER_BYTES > store.size()) return undefined
    const bytes = new Uint8Array(HEADER_BYTES)
    store.read(offset, bytes)
    return parseHeader(bytes)
  })
}

/** Only where a header speaks for a VHDX: any file could be given the identifier. */
function cureIdentifier(patient: Patient, hasHeader: boolean): void {
  if (patient.store.size() < MiB || asciiOf(patient.surgery.bytesAt(0, 8)) === 'vhdxfile') return
  tell(patient, {
    ...{ code: 'vhdx-signature', severity: 'error', field: 'file identifier', offset: 0 },
    message: 'The file does not begin with "vhdxfile".',
    cure: hasHeader ? 'repair' : 'hopeless',
  })
  if (!hasHeader) return
  patient.surgery.write(0, asciiBytes('vhdxfile'), {
    what: 'Write the file identifier "vhdxfile".',
    why: 'Nobody takes the file for a VHDX without it.',
  })
}

/** The current header. A damaged one becomes a copy of it, one number older. */
function cureHeaders(patient: Patient): Header | undefined {
  const headers = headersOf(patient.store)
  const [first, second] = headers
  const current =
    second !== undefined && (first === undefined || second.sequence > first.sequence) ? second : first
  if (current === undefined) {
    tell(patient, {
      ...{ code: 'vhdx-headers-lost', severity: 'error', field: 'header', offset: HEADER_OFFSETS[0] },
      message: 'Neither of the two headers has a right checksum.',
      cure: 'hopeless',
    })
    return undefined
  }
  if (
    first &&
    second &&
    first.sequence === second.sequence &&
    !bytesEqual(formatHeader(first), formatHeader(second))
  )
    tell(patient, {
      ...{ code: 'vhdx-headers-differ', severity: 'warning', field: 'header', offset: HEADER_OFFSETS[1] },
      message: `Both headers have the sequence number ${first.sequence}, and they differ; the first one is used.`,
      cure: 'repair',
    })
  for (const [slot, header] of headers.entries()) {
    const offset = HEADER_OFFSETS[slot]!
    const differs = header !== undefined && header !== current && header.sequence === current.sequence
    if (header === undefined)
      tell(patient, {
        ...{ code: 'vhdx-header-lost', severity: 'warning', field: 'header', offset },
        message: `Header ${slot + 1} of 2 is damaged; the other one is used.`,
        cure: 'repair',
      })
    if (header !== undefined && !(differs && !bytesEqual(formatHeader(header), formatHeader(current))))
      continue
    const sequence = current.sequence > 0n ? current.sequence - 1n : 0n
    patient.surgery.write(offset, formatHeader({ ...current, sequence }), {
      what: `Write header ${slot + 1} as a copy of the other, one number older.`,
      why: 'With both of them the next change of the headers survives a failure.',
    })
  }
  return current
}

function cureRegionTables(patient: Patient, when: 'before' | 'after'): void {
  const { surgery } = patient
  const tables = REGION_TABLE_OFFSETS.map((offset) => surgery.bytesAt(offset, REGION_TABLE_BYTES))
  const sound = REGION_TABLE_OFFSETS.map((_, index) => isSoundTable(surgery.store, index))
  if (!sound.includes(true)) {
    if (when === 'after') readRegions(surgery.store) // which says what is wrong
    return
  }
  const from = sound.indexOf(true)
  for (const [index, offset] of REGION_TABLE_OFFSETS.entries()) {
    if (bytesEqual(tables[index]!, tables[from]!)) continue
    const lost = !sound[index]
    tell(patient, {
      ...{ severity: 'warning', field: 'region table', offset },
      code: lost ? 'vhdx-region-table-lost' : 'vhdx-region-tables-differ',
      message: `Region table ${index + 1} of 2 ${lost ? 'is damaged' : 'differs from the first one'}; the other one is used.`,
      cure: 'repair',
    })
    surgery.write(offset, tables[from]!, {
      what: `Write region table ${index + 1} as a copy of the other.`,
      why: 'The other one could be lost too.',
    })
  }
}

/** Each alone, by a view of the file in which the other one is blank. */
function isSoundTable(store: ByteStore, index: number): boolean {
  const other = REGION_TABLE_OFFSETS[1 - index]!
  const alone: ByteStore = {
    ...store,
    read(at, into) {
      store.read(at, into)
      if (at === other) into.fill(0)
    },
  }
  try {
    readRegions(alone)
    return true
  } catch (error) {
    if (error instanceof VivariumError) return error.code !== 'vhdx-region-tables-lost'
    throw error
  }
}

function cureLog(patient: Patient, header: Header): void {
  const { surgery, store } = patient
  if (header.logGuid === NO_GUID) return
  const fault = (code: string, severity: 'error' | 'warning' | 'note', message: string) =>
    tell(patient, { code, severity, message, field: 'log', offset: header.logOffset, cure: 'repair' })
  const emptied = {
    what: 'Mark the log as empty in both headers.',
    why: 'Nothing of it is to be replayed.',
    loses: false,
  }
  try {
    const replay = readReplay(store, header)
    if (replay === undefined)
      fault(
        'vhdx-log-without-entries',
        'warning',
        'The headers say that the log holds changes, and no whole one is there.',
      )
    else {
      fault(
        'vhdx-log-not-replayed',
        'note',
        `The disk was not closed properly: its log holds ${plural(replay.entries, 'entry that belongs', 'entries that belong')} into the file.`,
      )
      const reason = {
        what: 'Write what the log holds to its place.',
        why: 'The disk was not closed properly.',
      }
      const into: ByteStore = {
        ...store,
        write: (at, bytes) => void surgery.write(at, bytes, reason),
        truncate: (size) => surgery.resize(size, reason),
      }
      readReplay(into, header)!.commit()
      emptied.why = 'All of it is in the file.'
    }
  } catch (error) {
    if (!(error instanceof VivariumError) || error.kind !== 'corrupt') throw error
    fault('vhdx-log-damaged', 'error', `${error.message} The last changes before it was left are lost.`)
    emptied.why = 'It is damaged: the last changes before the disk was left are lost.'
    emptied.loses = true
  }
  for (const [slot, offset] of HEADER_OFFSETS.entries())
    surgery.write(
      offset,
      formatHeader({ ...header, logGuid: NO_GUID, sequence: header.sequence + 1n + BigInt(slot) }),
      emptied,
    )
}
