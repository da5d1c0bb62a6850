import { rmSync } from 'node:fs'
import { createQcow2 } from '../../disk/index.ts'
import { createDiskFile, demandFinished, openFileStore, type ResolvedLayer } from '../../system/index.ts'

/** Formats that a differencing VHD can have as its parent: it names them by id, or knows them to be raw. */
const BELOW_VHD = new Set(['vhd', 'raw'])

/** The ending that an undo disk on top of this one has. */
export function undoExtension({ facts }: ResolvedLayer): string {
  return BELOW_VHD.has(facts.format) ? '.vhd' : '.qcow2'
}

/**
 * Makes an empty disk that keeps what is written over `below`, and never changes that one. Over a VHD or a raw image
 * it is a differencing VHD; over the others a QCOW2, which can have any of them as its backing file.
 * @throws VivariumError kind `conflict` when the file exists ...
 */
export function createUndoDisk(path: string, { path: below, facts }: ResolvedLayer): void {
  if (BELOW_VHD.has(facts.format)) {
    createDiskFile(path, { subformat: 'differencing', parent: below })
    return
  }
  demandFinished(below)
  const store = openFileStore(path, { create: true })
  try {
    createQcow2(store, { sizeBytes: facts.sizeBytes, backing: { path: below, format: facts.format } })
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    store.close()
  }
}
