import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { z } from 'zod'
import {
  type ByteRange,
  type Disk,
  type FreeRanges,
  type FreeSpace,
  type ImageLayout,
  searchFreeSpace,
  sourceOf,
} from '../disk/index.ts'
import { type ClaimedDisk, claimDisk, sameLayout } from './claimed-disk.ts'
import { equalRanges, union } from './equal-ranges.ts'
import { requireContent } from './future-parent.ts'
import { defineOperation, type OperationControl } from './operation.ts'
import { paceOf, partOf } from './pace.ts'
import { isFlat, punchUnused, type Saved } from './punch-unused.ts'
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
 * shows as well. The disk keeps its kind and its identity. A new file takes the old one's place in one step.
 */
export const compact = defineOperation<CompactSpec, CompactResult>({
  name: 'compact',
  schema,
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
  const { disk, below, path, format, layers } = claimed
  const options = sameLayout(claimed)
  const depth = layers.length > 1 ? { layers: 1 } : {}
  const plan = async (unused: FreeRanges | undefined, part: OperationControl) => {
    const source = sourceOf(disk, { ...depth, ...(unused && { free: unused }) })
    const layout = await layOutImage({ format, source, layout: options }, part)
    demandOneFile(claimed, layout)
    return { source, layout }
  }
  const before = fileBytes(claimed)
  const equal = below && droppedOf((from) => equalRanges(disk, below, from), 'below')
  const zeroes = await plan(equal, partOf(control, 0, 0.2))
  const all =
    free &&
    (await plan(droppedOf(rangesOf(disk, below, free), below ? 'below' : 'zero'), partOf(control, 0.2, 0.4)))
  const { source, layout } = all ?? zeroes
  const [withZeroes, after] = [layoutBytes(claimed, zeroes.layout), layoutBytes(claimed, layout)]
  if (after >= before) {
    control.note({
      code: 'compact-nothing-to-save',
      severity: 'note',
      message: 'Nothing can be saved: it stays as it is.',
      where: { path },
    })
    return { before, after: before, savedByZeroes: 0, savedByFreeSpace: 0 }
  }
  if (!dryRun) {
    const ranges = free?.ranges() ?? []
    await replaceImage({ claimed, layout, source, options, free: ranges }, partOf(control, 0.4, 1))
  }
  const savedByFreeSpace = Math.min(before, withZeroes) - after
  return { before, after, savedByFreeSpace, savedByZeroes: before - after - savedByFreeSpace }
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

function fileBytes({ path, facts }: ClaimedDisk): number {
  const { size, blocks } = statSync(path)
  return FULL.test(facts.subformat) ? Math.min(size, blocks * 512) : size
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
