import { closeSync, futimesSync, openSync, readdirSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { VivariumError } from '../base/index.ts'
import { makePrivateFolder, ownUid } from './folders.ts'
import { identifyProcess, isSameProcess, type ProcessIdentity, processExists } from './processes.ts'
import { systemError } from './system-error.ts'
import { demandFinished, demandRepaired, type EvenIfUnfinished } from './unfinished-work.ts'

/**
 * Who has which disk file open, among all processes of this user on this host. Node has no kernel file locks, so
 * every opener leaves a claim: an empty file whose NAME says everything, in a private folder (never beside the
 * user's disk).
 *
 *   DEVICE-INODE.MODE.PID-STARTTICKS.RANDOM      MODE: w = writes to it, r = relies on it not to change
 *
 * To acquire: make the claims of all files wanted (a chain), then look at the others, once for all. Of two processes
 * that do so at once at least one sees the other, so never both succeed; one that sees a rival takes all its claims
 * back. A claim whose process is gone counts for nothing and anybody may remove it: its name belongs to that process
 * alone, so there is no race, and no lock survives a crash. Readers that only look (inspect) make no claim.
 */
export type DiskClaimMode = 'w' | 'r'

export interface DiskClaim {
  release(): void
}

export interface WantedFile {
  readonly path: string
  readonly mode: DiskClaimMode
}

interface OwnClaim extends WantedFile {
  readonly key: string
  readonly file: string
}

interface FoundClaim {
  readonly file: string
  readonly mode: DiskClaimMode
  readonly owner: ProcessIdentity
}

/** Two that start at the same moment may both step back; a few tries with a random pause tell them apart. */
const TRIES = 5
const PAUSE_MS = 4

export interface ClaimOptions {
  /** Claim for writing although this work on a file was begun and not ended. */
  readonly evenIfUnfinished?: EvenIfUnfinished | undefined
}

/** @throws VivariumError like `claimDiskFiles`. */
export function claimDiskFile(path: string, mode: DiskClaimMode, options: ClaimOptions = {}): DiskClaim {
  return claimDiskFiles([{ path, mode }], options)
}

/**
 * Claims all of these files or none. Everybody who is going to write to a disk passes here, so here is asked as well
 * whether something is to be ended on it first.
 * @throws VivariumError naming the file: kind `busy`, code `disk-in-use`; `conflict`, code `merge-not-ended` or
 *   `repair-not-ended`.
 */
export function claimDiskFiles(
  wanted: readonly WantedFile[],
  { evenIfUnfinished }: ClaimOptions = {},
): DiskClaim {
  const claim = claimAgainstOthers(wanted)
  try {
    // Not before: whoever had it until now may have ended the work.
    for (const { path, mode } of wanted) if (mode === 'w') demandFinished(path, evenIfUnfinished)
    if (evenIfUnfinished !== 'any' && wanted.some(({ mode }) => mode === 'w'))
      for (const { path, mode } of wanted) if (mode === 'r') demandRepaired(path)
    return claim
  } catch (error) {
    claim.release()
    throw error
  }
}

function claimAgainstOthers(wanted: readonly WantedFile[]): DiskClaim {
  const keyed = wanted.map((file) => ({ ...file, key: keyOf(file.path) }))
  for (let attempt = 1; ; attempt++) {
    const start = performance.now()
    const own = makeClaims(keyed)
    const rivalry = findRival(own)
    if (rivalry === undefined) return { release: () => dropClaims(own) }
    dropClaims(own)
    if (attempt === TRIES) throw inUse(rivalry.path, rivalry.rival)
    // A long chain takes longer to claim, and its rival as long: the pauses must differ by more than that.
    pause(Math.random() * (PAUSE_MS + 2 * (performance.now() - start)) * attempt)
  }
}

function findRival(own: readonly OwnClaim[]): { path: string; rival: FoundClaim } | undefined {
  const live = liveClaims(new Set(own.map(({ key }) => key)))
  for (const { path, key, file, mode } of own) {
    const rival = live.get(key)?.find((claim) => claim.file !== file && excludes(claim.mode, mode))
    if (rival !== undefined) return { path, rival }
  }
  return undefined
}

/** Many may rely on a file; whoever writes wants it alone. */
function excludes(theirs: DiskClaimMode, ours: DiskClaimMode): boolean {
  return theirs === 'w' || ours === 'w'
}

/** True when some process of this user has the file open for writing. */
export function isOpenForWriting(path: string): boolean {
  const key = keyOf(path)
  return (
    liveClaims(new Set([key]))
      .get(key)
      ?.some(({ mode }) => mode === 'w') === true
  )
}

function inUse(path: string, { mode, owner }: FoundClaim): VivariumError {
  const who = owner.pid === process.pid ? 'this process' : `process ${owner.pid}`
  const how = mode === 'w' ? 'has it open for writing' : 'reads it, and relies on it as it is'
  return new VivariumError('busy', 'disk-in-use', `The disk is in use: ${who} ${how}.`, {
    where: { path },
    next: 'Turn off the machine that uses it, or wait until the work on it is done.',
  })
}

function keyOf(path: string): string {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}-${ino}`
  } catch (error) {
    throw systemError(error, path)
  }
}

function makeClaims(keyed: readonly (WantedFile & { readonly key: string })[]): OwnClaim[] {
  const { pid, startTicks } = ownIdentity()
  const folder = claimsFolder()
  const own: OwnClaim[] = []
  try {
    for (const wanted of keyed) {
      const random = Math.random().toString(36).slice(2, 12)
      const file = join(folder, `${wanted.key}.${wanted.mode}.${pid}-${startTicks}.${random}`)
      putClaim(file)
      ownClaims.add(file)
      own.push({ ...wanted, file })
    }
  } catch (error) {
    dropClaims(own)
    throw error
  }
  keepClaimsYoung()
  return own
}

function dropClaims(own: readonly OwnClaim[]): void {
  for (const { file } of own) {
    ownClaims.delete(file)
    removeClaim(file)
  }
}

/** Somebody else may have removed it: a cleaner of old files, or whoever found its process gone. */
function removeClaim(file: string): void {
  try {
    unlinkSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw systemError(error, file)
  }
}

/** Many systems clear old files out of /tmp: claims are kept young, and put back where they were removed. */
const REFRESH_MS = 3_600_000
const ownClaims = new Set<string>()
let keepingYoung = false

function keepClaimsYoung(): void {
  if (keepingYoung) return
  keepingYoung = true
  setInterval(() => {
    for (const file of ownClaims) {
      try {
        claimsFolder()
        putClaim(file, new Date())
      } catch {
        // The next hour's try may succeed; nothing can be told to anybody from here.
      }
    }
  }, REFRESH_MS).unref()
}

function putClaim(file: string, renewed?: Date): void {
  try {
    const fd = openSync(file, 'a', 0o600)
    if (renewed !== undefined) futimesSync(fd, renewed, renewed)
    closeSync(fd)
  } catch (error) {
    throw systemError(error, file)
  }
}

let identity: ProcessIdentity | undefined

function ownIdentity(): ProcessIdentity {
  // Without /proc there are no start times; 0 means that only the process id is compared.
  identity ??= identifyProcess(process.pid) ?? { pid: process.pid, startTicks: 0 }
  return identity
}

/** The claims on each of these files. Those of processes that are gone are removed, whatever they are for. */
function liveClaims(keys: ReadonlySet<string>): Map<string, FoundClaim[]> {
  const folder = claimsFolder()
  const live = new Map<string, FoundClaim[]>()
  // A long chain leaves a claim for each of its files: its process is looked up once.
  const alive = new Map<string, boolean>()
  for (const name of readdirSync(folder)) {
    const match = /^(\d+-\d+)\.([wr])\.(\d+)-(\d+)\.\w*$/.exec(name)
    if (match === null) continue
    const [, key, mode] = match as unknown as [string, string, DiskClaimMode]
    const owner = { pid: Number(match[3]), startTicks: Number(match[4]) }
    const file = join(folder, name)
    const who = `${owner.pid}-${owner.startTicks}`
    if (!alive.has(who)) alive.set(who, isAlive(owner))
    if (alive.get(who) !== true) removeClaim(file)
    else if (keys.has(key)) {
      const found = live.get(key)
      if (found === undefined) live.set(key, [{ file, mode, owner }])
      else found.push({ file, mode, owner })
    }
  }
  return live
}

function isAlive(owner: ProcessIdentity): boolean {
  return owner.startTicks === 0 ? processExists(owner.pid) : isSameProcess(owner)
}

/** The same for every process of this user, whatever its environment says: TMPDIR and XDG folders may differ. */
function claimsFolder(): string {
  const own = `/tmp/vivarium-${ownUid()}`
  const next = `Somebody else made it: an administrator must remove it. If it is yours, run: chmod 700 ${own}`
  for (const path of [own, join(own, 'disk-claims')]) makePrivateFolder(path, next)
  return join(own, 'disk-claims')
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
