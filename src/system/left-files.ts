import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { processExists } from './processes.ts'
import { systemError } from './system-error.ts'

/** Temporary names of files that are being made (`new-files.ts`), and what a process that was killed left of them. */

/** Temporary files that this process is writing. */
export const beingMade = new Set<string>()

/** Short whatever the name: one of 255 bytes is allowed, and this one must be too. */
function temporaryStart(name: string): string {
  return `.${createHash('sha256').update(name).digest('hex').slice(0, 16)}.`
}

const ENDING = '.creating'

export function temporaryName(name: string): string {
  return `${temporaryStart(name)}${process.pid}${ENDING}`
}

/** Removes what an earlier making of the same files left behind when its process was killed. */
export function sweep(folder: string, names: readonly string[]): void {
  const starts = new Map(names.map((name) => [temporaryStart(name), name]))
  const left = entriesOf(folder).flatMap((entry) => {
    const dot = entry.indexOf('.', 1)
    const name = entry.endsWith(ENDING) ? starts.get(entry.slice(0, dot + 1)) : undefined
    const pid = Number(entry.slice(dot + 1, -ENDING.length))
    return name !== undefined && Number.isInteger(pid) ? [{ path: join(folder, entry), name, pid }] : []
  })
  // The one of the file that names the others goes last: it tells what the others are.
  left.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
  for (const { path, name, pid } of left) {
    if (pid === process.pid ? beingMade.has(path) : processExists(pid)) continue
    // It had its name already, and what names it never got its own.
    if (!isNamed(folder, names.at(-1), pid) && isSameFile(path, join(folder, name)))
      rmSync(join(folder, name), { force: true })
    rmSync(path, { force: true })
  }
}

/** Whether the file that names the others had its name when that process was killed. */
function isNamed(folder: string, main: string | undefined, pid: number): boolean {
  if (main === undefined || !existsSync(join(folder, main))) return false
  const left = join(folder, `${temporaryStart(main)}${pid}${ENDING}`)
  return !existsSync(left) || isSameFile(left, join(folder, main))
}

/**
 * For a file that has its name, removes the temporary names of the files that were made with it. They are left by a
 * process that was killed when the last file had its name, and are known by the one of the file that names the others,
 * which is the last to go.
 */
export function sweepPublished(path: string): void {
  const folder = dirname(path)
  const temporary = entriesOf(folder).filter((entry) => entry.endsWith(ENDING))
  const own = temporary.find(
    (entry) => entry.startsWith(temporaryStart(basename(path))) && isSameFile(join(folder, entry), path),
  )
  if (own === undefined || beingMade.has(join(folder, own))) return
  const maker = own.slice(own.indexOf('.', 1))
  if (maker !== `.${process.pid}${ENDING}` && processExists(Number(maker.slice(1, -ENDING.length)))) return
  for (const entry of temporary) {
    const left = join(folder, entry)
    if (entry.endsWith(maker) && !beingMade.has(left) && lstatSync(left).nlink > 1) rmSync(left)
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    throw systemError(error, folder)
  }
}

function isSameFile(a: string, b: string): boolean {
  const [one, other] = [a, b].map((path) => lstatSync(path, { bigint: true, throwIfNoEntry: false }))
  return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev
}
