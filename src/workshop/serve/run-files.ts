import { readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identifyProcess, makePrivateFolder, ownUid } from '../../system/index.ts'

/**
 * What a serving process keeps while it runs, its socket and its throw-away undo disks: `PID.NAME` in a folder of
 * this user's alone. What killed ones left is removed by the next one.
 */
export function runFile(name: string): string {
  const own = join(tmpdir(), `vivarium-${ownUid()}`)
  const folder = join(own, 'served')
  const next = `Somebody else made it: choose another place with TMPDIR. If it is yours, run: chmod 700 ${own}`
  for (const path of [own, folder]) makePrivateFolder(path, next)
  sweep(folder)
  return join(folder, `${process.pid}.${name}`)
}

function sweep(folder: string): void {
  for (const entry of readdirSync(folder)) {
    const pid = Number(entry.split('.')[0])
    if (Number.isInteger(pid) && pid > 0 && pid !== process.pid && identifyProcess(pid) === undefined)
      rmSync(join(folder, entry), { force: true })
  }
}
