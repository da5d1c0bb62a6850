import type { Problem } from '../base/index.ts'

/** Sizes in bytes, here and below. */
export interface GeometryReport {
  readonly cylinders: number
  readonly heads: number
  readonly sectorsPerTrack: number
  readonly sizeBytes: number
}

/** One layer below the inspected disk. `found` with problems is still readable; the other states are not. */
export interface ChainLink {
  /** The names that the child recorded, for people. */
  recordedAs: string[]
  path?: string | undefined
  state: 'found' | 'missing' | 'id-mismatch' | 'time-mismatch' | 'unreadable' | 'cycle'
  foundBy?: 'relative' | 'absolute' | 'beside' | 'search-id' | 'given' | undefined
  format?: string | undefined
  subformat?: string | undefined
  id?: string | undefined
  time?: string | undefined
  sizeBytes?: number | undefined
}

export interface PartitionReport {
  number: number
  scheme: 'mbr' | 'gpt' | 'none'
  type: string
  typeName: string
  active: boolean
  offset: number
  sizeBytes: number
  name?: string | undefined
  fileSystem?: string | undefined
  label?: string | undefined
}

/** What system a disk was made for, as far as it can be told. */
export interface GuestReport {
  /** "Windows XP", "Debian GNU/Linux", "MS-DOS". */
  name: string
  version?: string | undefined
  /** `certain`: the system's own files say so; `likely`: its boot code does; `hint`: something that it often has. */
  confidence: 'certain' | 'likely' | 'hint'
  /** What was found, a few words each, for people. */
  evidence: string[]
}

/** What `vivarium inspect FILE --json` and the site's Inspect page show of a disk. */
export interface DiskReport {
  kind: 'disk'
  path: string
  format: string
  /** fixed, dynamic, differencing ... */
  subformat: string
  virtualSize: number
  /** Cylinders x heads x sectors, where the format records a geometry. */
  geometry?: GeometryReport | undefined
  /** Length of the file; of a disk of several files, of all those that are there. */
  fileSize: number
  /** How many files that is; absent for one. */
  fileCount?: number | undefined
  /** Room that they take on the host, which stores no holes; absent where no host is. */
  hostBytes?: number | undefined
  /** Bytes of guest data that this file itself stores. */
  allocated: number
  blockSize?: number | undefined
  creator?: { application: string; version: string; hostOs: string; product: string } | undefined
  id?: string | undefined
  /** What the guest sees as the disk's own id, where the format keeps one besides `id`. */
  diskId?: string | undefined
  /** Bytes of a sector as the guest sees it, where the format says so. */
  sectorSize?: number | undefined
  /** ISO 8601, as stored; see `timeNote`. */
  time?: string | undefined
  timeNote?: string | undefined
  parent?: ChainLink | undefined
  chain: ChainLink[]
  partitionScheme: 'mbr' | 'gpt' | 'none' | 'unreadable'
  partitions: PartitionReport[]
  guest?: GuestReport | undefined
  /** Backups of repairs that lie beside the disk, oldest first. */
  repairBackups?: string[] | undefined
  problems: Problem[]
}
