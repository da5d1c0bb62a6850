import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { z } from 'zod'
import {
  type ByteRange,
  type Disk,
  type DiskSource,
  type FreeRanges,
  type FreeSpace,
  type ImageLayout,
  searchFreeSpace,
  sourceOf,
} from '../disk/index.ts'
import { type ClaimedDisk, claimDisk, sameLayout } from './claimed-disk.ts'
import { equalRanges, union } from './equal-ranges.ts'
import { requireContent } from './future-parent.ts'
import { AGAIN_DOES_THE_REST, defineOperation, type OperationControl } from './operation.ts'
import { paceOf, partOf } from './pace.ts'
import { isFlat, punchUnused, type Saved } from './punch-unused.ts'
import { layOutExtents, replaceExtents } from './replace-extents.ts'
import { demandOneFile, replaceImage } from './replace-image.ts'
import { layOutImage } from './write-image.ts'

const schema = z.strictObject({
  path: z.string(),
  /** Drop zeroes only, and keep what file systems do not use. */
  zeroesOnly: z.boolean().default(false),
  /** Only tell what would be saved. */
  dryRun: z.boolean().default(false),
})

export type CompactSpec = z.infer<typeof schema>

export interface CompactResult extends Saved {
  readonly path: string
  /** What `before` and `after` are: the length of the file, or the room that it takes on the host. */
  readonly measured: 'file-length' | 'room-on-host'
  readonly saved: number
  readonly dryRun: boolean
}

/**
 * Makes a disk file smaller: blocks of zeroes go, and blocks that no file system uses; in a child, what its parent
 * shows as well. The disk keeps its kind and its identity. A new file takes the old one's place in one step;
 * of several files, each does so by itself.
 */
export const compact = defineOperation<CompactSpec, CompactResult>({
  name: 'compact',
  schema,
  ifStopped: () => AGAIN_DOES_THE_REST,
  title: ({ path }) => `Compact ${basename(path)}`,
  async run(spec, control) {
    const claimed = claimDisk(spec.path, control)
    try {
      requireContent(claimed.path, claimed.disk.sizeBytes)
      const free = await freeSpaceFor(claimed, spec, partOf(control, 0, 0.1))
      const rest = partOf(control, 0.1, 1)
      const result = isFlat(claimed.facts)
        ? await punchUnused(
            claimed,
            free && droppedOf((from) => free.ranges(from), 'zero'),
            spec.dryRun,
            rest,
          )
        : await layOutAnew(claimed, free, spec.dryRun, rest)
      const measured =
        isFlat(claimed.facts) || FULL.test(claimed.facts.subformat) ? 'room-on-host' : 'file-length'
      return {
        path: claimed.path,
        measured,
        ...result,
        saved: result.before - result.after,
        dryRun: spec.dryRun,
      }
    } finally {
      claimed.release()
    }
  },
})

/** Undefined where nothing but zeroes may be dropped. */
async function freeSpaceFor(
  { disk, path, children }: ClaimedDisk,
  { zeroesOnly }: CompactSpec,
  control: OperationControl,
): Promise<FreeSpace | undefined> {
  if (zeroesOnly) return undefined
  if (children.length > 0) {
    control.note({
      code: 'compact-zeroes-only',
      severity: 'note',
      message: `Other disks rely on its content (${children.join(', ')}): only blocks of zeroes are dropped.`,
      where: { path },
    })
    return undefined
  }
  const found = await searched(disk, control)
  for (const { doubt } of found.volumes) if (doubt !== undefined) control.note({ ...doubt, where: { path } })
  return found.freeBytes > 0 ? found : undefined
}

async function searched(disk: Disk, control: OperationControl): Promise<FreeSpace> {
  const pace = paceOf(control)
  const search = searchFreeSpace(disk)
  for (;;) {
    const { done, value } = search.next()
    if (done === true) return value
    control.progress(value / disk.sizeBytes, 'Looking for free space')
    await pace()
  }
}

async function layOutAnew(
  claimed: ClaimedDisk,
  free: FreeSpace | undefined,
  dryRun: boolean,
  control: OperationControl,
): Promise<Saved> {
  const { disk, below, path, layers } = claimed
  const depth = layers.length > 1 ? { layers: 1 } : {}
  const plan = (unused: FreeRanges | undefined, part: OperationControl) =>
    planAnew(claimed, sourceOf(disk, { ...depth, ...(unused && { free: unused }) }), part)
  const equal = below && droppedOf((from) => equalRanges(disk, below, from), 'below')
  const zeroes = await plan(equal, partOf(control, 0, 0.2))
  const all =
    free &&
    (await plan(droppedOf(rangesOf(disk, below, free), below ? 'below' : 'zero'), partOf(control, 0.2, 0.4)))
  const { before, after, replace } = all ?? zeroes
  if (after >= before) {
    control.note({
      code: 'compact-nothing-to-save',
      severity: 'note',
      message: 'Nothing can be saved: it stays as it is.',
      where: { path },
    })
    return { before, after: before, savedByZeroes: 0, savedByFreeSpace: 0 }
  }
  if (!dryRun) await replace(free?.ranges() ?? [], partOf(control, 0.4, 1))
  const savedByFreeSpace = Math.min(before, zeroes.after) - after
  return { before, after, savedByFreeSpace, savedByZeroes: before - after - savedByFreeSpace }
}

/** What a disk would be: bytes of its files, and how the new ones take the places of the old ones. */
interface PlanAnew {
  readonly before: number
  readonly after: number
  replace(free: Iterable<ByteRange>, control: OperationControl): Promise<void>
}

async function planAnew(
  claimed: ClaimedDisk,
  source: DiskSource,
  control: OperationControl,
): Promise<PlanAnew> {
  const extents = claimed.extents.length > 0 ? await layOutExtents(claimed, source, control) : undefined
  const before = fileBytes(claimed)
  if (extents !== undefined) {
    const saved = extents.reduce((sum, { bytesBefore, bytesAfter }) => sum + bytesBefore - bytesAfter, 0)
    return {
      before,
      after: before - saved,
      replace: (free, part) => replaceExtents(claimed, extents, { source, free }, part),
    }
  }
  const options = sameLayout(claimed)
  const layout = await layOutImage({ format: claimed.format, source, layout: options }, control)
  demandOneFile(claimed, layout)
  return {
    before,
    after: layoutBytes(claimed, layout),
    replace: (free, part) => replaceImage({ claimed, layout, source, options, free }, part),
  }
}

function rangesOf(
  disk: Disk,
  below: Disk | undefined,
  free: FreeSpace,
): (from: number) => Iterable<ByteRange> {
  if (below === undefined) return (from) => free.ranges(from)
  return (from) => union(free.ranges(from), equalRanges(disk, below, from))
}

function droppedOf(rangesFrom: (from: number) => Iterable<ByteRange>, as: 'zero' | 'below'): FreeRanges {
  return { as, rangesFrom, ranges: { [Symbol.iterator]: () => rangesFrom(0)[Symbol.iterator]() } }
}

/** Kinds that take all their room at once: only what the host stores of them can become less. */
const FULL = /fixed|static/i

function fileBytes({ path, extents, facts }: ClaimedDisk): number {
  let total = 0
  for (const file of [path, ...extents]) {
    const { size, blocks } = statSync(file)
    total += FULL.test(facts.subformat) ? Math.min(size, blocks * 512) : size
  }
  return total
}

function layoutBytes({ facts }: ClaimedDisk, { files }: ImageLayout): number {
  let total = 0
  for (const file of files) {
    if (!FULL.test(facts.subformat)) total += file.sizeBytes ?? Number.POSITIVE_INFINITY
    else
      for (const segment of file.segments())
        if (segment.kind !== 'zero') total += segment.kind === 'bytes' ? segment.bytes.length : segment.length
  }
  return total
}
