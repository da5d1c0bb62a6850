import { MiB, plural, VivariumError } from '../../../base/index.ts'
import { FLAT_UNIT } from '../../flat-layout.ts'
import type { Subformat } from '../../format.ts'
import type { DiskSource, ImageLayout, LayoutOptions, Segment } from '../../layout.ts'
import { type BatLayout, layoutFor } from './bat.ts'
import { type BlockPlan, batRegionBytes, batSegments, storedBytesOf } from './bat-layout.ts'
import { blockSegments, findPartial } from './block-layout.ts'
import { formatFileIdentifier, OWN_CREATOR } from './file-identifier.ts'
import { NO_GUID, parseGuid, randomGuid } from './guid.ts'
import { formatHeader, HEADER_OFFSETS, type Header } from './header.ts'
import { formatMetadata, MAX_BLOCK_BYTES, MAX_DISK_BYTES, MIN_BLOCK_BYTES } from './metadata.ts'
import { formatParentLocator } from './parent-locator.ts'
import { formatRegionTable, REGION_TABLE_OFFSETS } from './region-table.ts'

export const MAX_VHDX_BYTES = MAX_DISK_BYTES
/** As Windows chooses them. */
export const DEFAULT_VHDX_BLOCK_SIZE = { fixed: 2 * MiB, dynamic: 32 * MiB, differencing: 2 * MiB } as const
export type VhdxType = keyof typeof DEFAULT_VHDX_BLOCK_SIZE

export const VHDX_SUBFORMATS: readonly Subformat[] = [
  { name: 'dynamic', label: 'grows with its content' },
  { name: 'fixed', label: 'takes all its room at once' },
  { name: 'differencing', label: 'stores what differs from its parent' },
]

const LOG = { offset: MiB, length: MiB } as const
const METADATA = { offset: 2 * MiB, length: MiB } as const
const BAT_OFFSET = 3 * MiB
/** What Windows says of a virtual disk on a disk of today. */
const PHYSICAL_SECTOR = 4096

/**
 * A new VHDX. Identifier, headers, region tables; the log, empty; metadata; BAT; then chunk by chunk its sector bitmap
 * and its blocks. `id` is the data write GUID, `diskId` the virtual disk's, `details.fileId` the file write GUID.
 * @throws VivariumError kind `invalid` for an impossible size, sector, block or GUID; `unsupported` for a parent that
 * is no VHDX.
 */
export function layoutVhdx(source: DiskSource, options: LayoutOptions): ImageLayout {
  const type = typeOf(options)
  const bat = checkedBat(source.sizeBytes, type, options)
  const dataAt = BAT_OFFSET + batRegionBytes(bat)
  const map = source.units(vhdxLayoutUnit(options))
  const blocks = { bat, map, dataAt, fixed: type === 'fixed' }
  const plan: BlockPlan = { ...blocks, partial: findPartial(source, blocks) }
  const structures = [
    ...headerSection(bat, options),
    { at: METADATA.offset, bytes: metadataFor(type, bat, options) },
  ]
  return {
    files: [
      {
        name: options.name,
        sizeBytes: dataAt + storedBytesOf(plan),
        *segments() {
          yield* placed(structures, BAT_OFFSET)
          yield* batSegments(plan, dataAt - BAT_OFFSET)
          yield* blockSegments(source, plan)
        },
      },
    ],
  }
}

export function vhdxLayoutUnit({ subformat, blockSize }: LayoutOptions): number {
  if (subformat === 'fixed') return FLAT_UNIT
  return blockSize ?? DEFAULT_VHDX_BLOCK_SIZE[subformat === 'differencing' ? 'differencing' : 'dynamic']
}

function typeOf({ subformat, parent, name }: LayoutOptions): VhdxType {
  const where = { path: name }
  if (!Object.hasOwn(DEFAULT_VHDX_BLOCK_SIZE, subformat))
    throw new VivariumError(
      'invalid',
      'vhdx-subformat-invalid',
      `There is no VHDX of the kind "${subformat}".`,
      { where, next: 'Choose dynamic, fixed or differencing.' },
    )
  if ((subformat === 'differencing') !== (parent !== undefined))
    throw new VivariumError(
      'invalid',
      'vhdx-parent-invalid',
      parent === undefined ? 'A differencing disk needs a parent.' : `A ${subformat} disk has no parent.`,
      { where, next: 'A parent goes with a differencing disk, and only with one.' },
    )
  if (parent !== undefined && parent.format !== 'vhdx')
    throw new VivariumError(
      'unsupported',
      'vhdx-parent-format',
      `A VHDX can have a VHDX as its parent only, not a disk of the format ${parent.format}.`,
      { where, next: 'Make the child in the format of its parent, or convert the parent first.' },
    )
  return subformat as VhdxType
}

function checkedBat(sizeBytes: number, type: VhdxType, options: LayoutOptions): BatLayout {
  const { parent, blockSize = DEFAULT_VHDX_BLOCK_SIZE[type] } = options
  const logicalSector = parent?.sectorSize ?? options.sectorSize ?? 512
  const fail = (code: string, message: string, next: string): never => {
    throw new VivariumError('invalid', code, message, { where: { path: options.name, field: 'size' }, next })
  }
  if (logicalSector !== 512 && logicalSector !== 4096)
    fail('vhdx-sector-size-invalid', `A sector cannot have ${logicalSector} bytes.`, 'Choose 512 or 4096.')
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes % logicalSector !== 0)
    fail(
      'vhdx-size-invalid',
      `A VHDX with sectors of ${logicalSector} bytes cannot have ${plural(sizeBytes, 'byte')}.`,
      `Choose a positive multiple of ${logicalSector} bytes.`,
    )
  if (sizeBytes > MAX_VHDX_BYTES)
    fail(
      'vhdx-size-invalid',
      `A VHDX cannot have ${sizeBytes} bytes; the limit is ${MAX_VHDX_BYTES} (64 TiB).`,
      'Choose a smaller size.',
    )
  if (blockSize < MIN_BLOCK_BYTES || blockSize > MAX_BLOCK_BYTES || !Number.isInteger(Math.log2(blockSize)))
    fail(
      'vhdx-block-size-invalid',
      `A block cannot have ${blockSize} bytes.`,
      'Choose a power of two from 1 MiB to 256 MiB.',
    )
  return layoutFor(BAT_OFFSET, { blockSize, sizeBytes, logicalSector, hasParent: parent !== undefined })
}

interface Structure {
  readonly at: number
  readonly bytes: Uint8Array
}

function headerSection(bat: BatLayout, { id, details }: LayoutOptions): Structure[] {
  const header: Header = {
    sequence: 0n,
    fileWriteGuid: guidOf(details?.fileId),
    dataWriteGuid: guidOf(id),
    logGuid: NO_GUID,
    logVersion: 0,
    version: 1,
    logLength: LOG.length,
    logOffset: LOG.offset,
  }
  const regions = formatRegionTable({ offset: BAT_OFFSET, length: batRegionBytes(bat) }, METADATA)
  return [
    { at: 0, bytes: formatFileIdentifier(OWN_CREATOR) },
    ...HEADER_OFFSETS.map((at, index) => ({
      at,
      bytes: formatHeader({ ...header, sequence: BigInt(index) }),
    })),
    ...REGION_TABLE_OFFSETS.map((at) => ({ at, bytes: regions })),
  ]
}

function metadataFor(type: VhdxType, bat: BatLayout, { diskId, parent }: LayoutOptions): Uint8Array {
  return formatMetadata({
    blockSize: bat.blockSize,
    leaveBlocksAllocated: type === 'fixed',
    hasParent: parent !== undefined,
    sizeBytes: bat.sizeBytes,
    // A child is the same disk to the guest.
    diskId: guidOf(diskId ?? parent?.diskId),
    logicalSector: bat.logicalSector,
    physicalSector: PHYSICAL_SECTOR,
    ...(parent && {
      locator: formatParentLocator({
        linkage: guidOf(parent.id ?? ''),
        absolutePath: parent.absolutePath,
        ...(parent.relativePath !== '' && { relativePath: parent.relativePath }),
      }),
    }),
  })
}

function guidOf(text: string | number | boolean | undefined): string {
  if (text === undefined) return randomGuid()
  const guid = parseGuid(String(text))
  if (guid !== undefined) return guid
  throw new VivariumError('invalid', 'vhdx-guid-invalid', `"${text}" is no GUID of a VHDX.`, {
    next: 'A VHDX can have a VHDX as its parent only.',
  })
}

/** The structures, each at its place, and zeroes between them. */
function* placed(structures: readonly Structure[], end: number): Generator<Segment> {
  let at = 0
  for (const structure of structures) {
    if (structure.at > at) yield { kind: 'zero', length: structure.at - at }
    yield { kind: 'bytes', bytes: structure.bytes }
    at = structure.at + structure.bytes.length
  }
  if (end > at) yield { kind: 'zero', length: end - at }
}
