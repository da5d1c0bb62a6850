import { type ByteStore, VivariumError } from '../../../base/index.ts'
import type { DiskImage } from '../../format.ts'
import { type BatLayout, BlockTable, layoutOf } from './bat.ts'
import { unsupported } from './damage.ts'
import { isVhdx } from './file-identifier.ts'
import { NO_GUID, randomGuid } from './guid.ts'
import { type FoundHeaders, findHeaders, type HeaderPair } from './headers.ts'
import { type Metadata, readMetadata } from './metadata.ts'
import { MetadataPages } from './pages.ts'
import { type Region, type Regions, readRegions } from './region-table.ts'
import { MAX_FILE_BYTES, type Replay, readReplay } from './replay.ts'
import { surveyBlocks } from './survey.ts'

/** Everything but the blocks. `store` shows the file with its log replayed, `file` as it is. */
export interface Parsed {
  readonly file: ByteStore
  readonly store: ByteStore
  readonly replay: Replay | undefined
  readonly headers: FoundHeaders
  readonly regions: Regions
  readonly metadata: Metadata
  readonly layout: BatLayout
  readonly structures: readonly Region[]
}

export function parseVhdx(file: ByteStore): Parsed {
  if (!isVhdx(file))
    throw new VivariumError('malformed', 'vhdx-signature', 'The file does not begin with "vhdxfile".', {
      where: { path: file.name, offset: 0 },
      next: 'It is another kind of file, or damaged at its start.',
    })
  if (file.size() > MAX_FILE_BYTES)
    throw unsupported(
      'vhdx-file-too-large',
      `The file has ${file.size()} bytes; up to ${MAX_FILE_BYTES} are possible here.`,
      { path: file.name },
      'Copy the disk to a new file.',
    )
  const headers = findHeaders(file)
  const replay = readReplay(file, headers.current)
  const store = replay?.store ?? file
  const regions = readRegions(store)
  const metadata = readMetadata(store, regions.metadata)
  const layout = layoutOf(store, regions.bat, metadata)
  const { logOffset, logLength } = headers.current
  const structures = [...regions.all, { offset: logOffset, length: logLength }]
  return { file, store, replay, headers, regions, metadata, layout, structures }
}

export function surveyVhdx({ store, layout, structures }: Parsed): ReturnType<DiskImage['survey']> {
  const pages = new MetadataPages(store)
  try {
    return surveyBlocks({ store, pages, table: new BlockTable(layout, pages), structures })
  } finally {
    pages.close()
  }
}

/** Replays the log into the file. The headers name it until all of it is there, so that it can be done again. */
export function emptyLog(file: ByteStore, headers: HeaderPair, replay: Replay | undefined): void {
  if (headers.current.logGuid === NO_GUID) return
  headers.update({ fileWriteGuid: randomGuid() })
  replay?.commit()
  file.flush()
  headers.update({ logGuid: NO_GUID })
}
