import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { debianCache } from './built-debian.ts'
import { LINUX } from './guests/boot-guest.ts'

const run = promisify(execFile)

const sources = fileURLToPath(new URL('../../samples/install', import.meta.url))

/**
 * The boot folder that samples/install/make-tree.sh makes, kept in the system's temporary folder: about 140 MB, most
 * of it packages that it downloads. Another script, or another version of the installer, makes another.
 */
export async function installerTree(): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(LINUX))
  for (const name of ['make-tree.sh', 'base-system.sh', 'preseed.cfg'])
    hash.update(readFileSync(join(sources, name)))
  const folder = join(debianCache, `install-${hash.digest('hex').slice(0, 16)}`)
  if (existsSync(folder)) return folder
  mkdirSync(debianCache, { recursive: true })
  const making = mkdtempSync(join(debianCache, 'making-'))
  try {
    await run('sh', [join(sources, 'make-tree.sh'), making])
    renameSync(making, folder)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
  return folder
}
