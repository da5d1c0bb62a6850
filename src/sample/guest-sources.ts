import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemError } from '../system/index.ts'
import { type Assembly, assemble } from './assembler/index.ts'

/** samples/ of the checkout or of the installed package; this module lies two folders below its root in both. */
const folder = fileURLToPath(new URL('../../samples/', import.meta.url))

/** A text file below samples/. @throws VivariumError kind `not-found`, `denied` or `io`. */
export function readGuestSource(name: string): string {
  const path = join(folder, name)
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw systemError(error, path)
  }
}

/** Assembles a program of samples/hello with what it includes. @throws VivariumError `assembly-line`. */
export function assembleGuest(name: string): Assembly {
  return assemble(readGuestSource(`hello/${name}`), {
    path: `samples/hello/${name}`,
    include: (part) => readGuestSource(`hello/${basename(part)}`),
  })
}
