import { type Problem, problemFrom, VivariumError } from '../base/index.ts'
import { guessGuest } from './contents/guest.ts'
import { type DiskContents, readContents } from './contents/partitions.ts'
import type { Disk } from './disk.ts'
import type { DiskImage, ImageFacts } from './format.ts'
import { geometryBytes } from './formats/vhd/geometry.ts'
import type { ChainLink, DiskReport, GuestReport } from './report.ts'

/** What is known of a disk before its report is written. Pure: whoever has the files brings them. */
export interface InspectedDisk {
  readonly path: string
  /** Of all its files. */
  readonly fileSize: number
  readonly fileCount?: number
  readonly hostBytes?: number
  readonly repairBackups?: readonly string[]
  readonly image: DiskImage
  readonly chain: readonly ChainLink[]
  /** Problems of the chain. */
  readonly chainProblems: readonly Problem[]
  /** The whole disk with its parents; a function, because a chain may be incomplete. Absent = not readable. */
  readonly openDisk?: () => Disk
}

/** Fills a report; never throws for a damaged disk, which becomes problems. */
export function reportOnDisk(inspected: InspectedDisk): DiskReport {
  const { path, fileSize, image, chain } = inspected
  const { facts } = image
  const survey = image.survey()
  const contents = contentsOf(inspected)
  const problems = [
    ...facts.problems,
    ...survey.problems,
    ...inspected.chainProblems,
    ...contents.problems.map((problem) => placedIn(problem, path)),
    ...geometryProblems(facts, contents, path),
  ]
  return {
    kind: 'disk',
    path,
    format: facts.format,
    subformat: facts.subformat,
    virtualSize: facts.sizeBytes,
    ...(facts.geometry && { geometry: { ...facts.geometry, sizeBytes: geometryBytes(facts.geometry) } }),
    fileSize,
    ...(inspected.fileCount !== undefined && { fileCount: inspected.fileCount }),
    ...(inspected.hostBytes !== undefined && { hostBytes: inspected.hostBytes }),
    allocated: survey.allocated,
    ...(facts.blockSize !== undefined && { blockSize: facts.blockSize }),
    ...(facts.creator && { creator: { ...facts.creator } }),
    ...(facts.id !== undefined && { id: facts.id }),
    ...(facts.diskId !== undefined && { diskId: facts.diskId }),
    ...(facts.sectorSize !== undefined && { sectorSize: facts.sectorSize }),
    ...(facts.time !== undefined && { time: facts.time }),
    ...(facts.timeNote !== undefined && { timeNote: facts.timeNote }),
    ...(chain[0] && { parent: chain[0] }),
    chain: [...chain],
    partitionScheme: contents.scheme,
    partitions: contents.partitions,
    ...(contents.guest && { guest: contents.guest }),
    ...(inspected.repairBackups && { repairBackups: [...inspected.repairBackups] }),
    problems: unique(problems),
  }
}

type Contents = Omit<DiskContents, 'scheme'> & {
  readonly scheme: DiskReport['partitionScheme']
  readonly guest?: GuestReport | undefined
}

function contentsOf({ openDisk }: InspectedDisk): Contents {
  const unreadable = { scheme: 'unreadable' as const, partitions: [] }
  if (openDisk === undefined) return { ...unreadable, problems: [] }
  try {
    const disk = openDisk()
    try {
      const contents = readContents(disk)
      return { ...contents, guest: guessGuest(disk, contents.partitions) }
    } finally {
      disk.close()
    }
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
    return { ...unreadable, problems: [problemFrom(error)] }
  }
}

function placedIn(problem: Problem, path: string): Problem {
  return { ...problem, where: { path, ...problem.where } }
}

/** The proof that the geometry is too small for this disk: a partition that ends behind it. */
function geometryProblems({ geometry, sizeBytes }: ImageFacts, contents: Contents, path: string): Problem[] {
  const covered = geometry ? geometryBytes(geometry) : 0
  const end = Math.max(
    0,
    ...contents.partitions
      .filter(({ scheme }) => scheme !== 'none')
      .map((part) => part.offset + part.sizeBytes),
  )
  if (covered === 0 || end <= covered || end > sizeBytes) return []
  return [
    {
      code: 'partition-beyond-chs',
      severity: 'note',
      message: `The last partition ends at byte ${end}, behind the ${covered} bytes of the geometry.`,
      next: 'The whole size is used here. Tools that go by the geometry (QEMU for some creators) would lose its end.',
      where: { path, offset: end },
    },
  ]
}

/** A file can tell the same thing twice, once by itself and once as a part of the chain. */
function unique(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  return problems.filter((problem) => {
    const key = JSON.stringify([problem.code, problem.message, problem.where?.path, problem.where?.offset])
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}
