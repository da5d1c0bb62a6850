import { type ByteStore, type Problem, VivariumError } from '../../../base/index.ts'
import type {
  DiskFormat,
  DiskImage,
  ImageFacts,
  Layer,
  OpenImageOptions,
  ParentReference,
} from '../../format.ts'
import { BlockTable } from './bat.ts'
import { unsupported, warning } from './damage.ts'
import { expandVhdx } from './expand.ts'
import { creatorOf, isVhdx, readCreator } from './file-identifier.ts'
import { NO_GUID } from './guid.ts'
import { HeaderPair } from './headers.ts'
import { VhdxLayer } from './layer.ts'
import { layoutVhdx, VHDX_SUBFORMATS, vhdxLayoutUnit } from './layout.ts'
import { LogWriter } from './log-writer.ts'
import type { Metadata } from './metadata.ts'
import { MetadataPages } from './pages.ts'
import { emptyLog, type Parsed, parseVhdx, surveyVhdx } from './parsed.ts'

/**
 * Virtual Hard Disk v2, the format of Hyper-V since Windows Server 2012, after [MS-VHDX]. It records no time and
 * no geometry.
 */
export const vhdx: DiskFormat = {
  name: 'vhdx',
  label: 'Virtual Hard Disk v2',
  extensions: ['.vhdx', '.avhdx'],
  probe: (store) => (isVhdx(store) ? 'sure' : 'no'),
  read: readVhdx,
  subformats: VHDX_SUBFORMATS,
  layout: layoutVhdx,
  layoutUnit: vhdxLayoutUnit,
  expand: expandVhdx,
}

function readVhdx(file: ByteStore): DiskImage {
  const parsed = parseVhdx(file)
  const { headers, regions } = parsed
  return {
    facts: factsOf(parsed, [...headers.problems, ...regions.problems, ...logProblems(parsed)]),
    survey: () => surveyVhdx(parsed),
    open: (writable, options) => openVhdx(parsed, writable, options),
  }
}

function factsOf({ file, headers, metadata }: Parsed, problems: readonly Problem[]): ImageFacts {
  const { sizeBytes, blockSize, diskId, logicalSector, leaveBlocksAllocated, hasParent } = metadata
  const parent = parentOf(metadata)
  return {
    format: 'vhdx',
    subformat: hasParent ? 'differencing' : leaveBlocksAllocated ? 'fixed' : 'dynamic',
    sizeBytes,
    blockSize,
    sectorSize: logicalSector,
    creator: creatorOf(readCreator(file)),
    id: headers.current.dataWriteGuid,
    ...(diskId !== '' && { diskId }),
    ...(parent && { parent }),
    inSavedState: false,
    problems,
  }
}

function parentOf({ locator }: Metadata): ParentReference | undefined {
  if (locator === undefined) return undefined
  const [id, ...otherIds] = locator.linkages
  return { id: id!, otherIds, stamp: 0, names: locator.names }
}

function logProblems({ file, headers, replay }: Parsed): Problem[] {
  const { logGuid, logOffset } = headers.current
  const where = { path: file.name, offset: logOffset, field: 'log' }
  if (logGuid === NO_GUID) return []
  if (replay === undefined)
    return [
      warning(
        'vhdx-log-without-entries',
        'The headers say that the log holds changes, and no whole one is there.',
        where,
        'The disk is used as it is. Check the file systems on it.',
      ),
    ]
  return [
    {
      code: 'vhdx-log-not-replayed',
      severity: 'note',
      message: `The disk was not closed properly: ${replay.entries} log entries are replayed when it is opened.`,
      where,
    },
  ]
}

function openVhdx(parsed: Parsed, writable: boolean, { keepId = false }: OpenImageOptions = {}): Layer {
  const { file, replay, headers: found, metadata, layout } = parsed
  const fixed = metadata.leaveBlocksAllocated
  if (!writable) {
    const pages = new MetadataPages(parsed.store)
    return new VhdxLayer({ store: parsed.store, pages, table: new BlockTable(layout, pages), fixed })
  }
  refuseDamage(parsed)
  const headers = new HeaderPair(file, found)
  emptyLog(file, headers, replay)
  const pages = new MetadataPages(file)
  const table = new BlockTable(layout, pages)
  const writing = { headers, log: new LogWriter(file, headers), keepId }
  return new VhdxLayer({ store: file, pages, table, fixed, writing })
}

function refuseDamage(parsed: Parsed): void {
  if (parsed.headers.current.logLength === 0)
    throw unsupported(
      'vhdx-no-log',
      'The file has no log, and can therefore not be written to safely.',
      { path: parsed.file.name, field: 'log' },
      'It can still be read; copy it to a new disk.',
    )
  const [problem] = surveyVhdx(parsed).problems
  if (problem === undefined) return
  throw new VivariumError('corrupt', problem.code, problem.message, {
    ...(problem.where && { where: problem.where }),
    next: 'It can still be read. Copy the file again from its source before writing to it.',
  })
}
