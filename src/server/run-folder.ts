import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { endProcessesNaming, systemError } from '../system/index.ts'

/** The switch's own folder beside those of the runs. */
export const SWITCH_FOLDER = 'net'

/** A fresh private folder for the sockets and logs of one run. */
export function makeRunFolder(root: string, machineId: string): string {
  try {
    return mkdtempSync(join(root, `${machineId.slice(0, 8)}-`))
  } catch (error) {
    throw systemError(error, root)
  }
}

export function removeRunFolder(path: string): void {
  rmSync(path, { recursive: true, force: true })
}

/**
 * What a server left behind that was killed while it turned a machine on: a run that nobody knows. Its processes
 * name its folder in their command lines.
 */
export async function clearRunFolders(root: string, known: ReadonlySet<string>): Promise<void> {
  for (const name of readdirSync(root)) {
    const path = join(root, name)
    if (name === SWITCH_FOLDER || known.has(path)) continue
    await endProcessesNaming(path)
    removeRunFolder(path)
  }
}
