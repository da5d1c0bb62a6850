import { basename } from 'node:path'
import { VivariumError } from '../base/index.ts'
import { emptySource } from '../disk/index.ts'
import { openDiskStore } from '../system/disk-files.ts'
import { surroundingsOf } from '../system/disk-surroundings.ts'
import type { ClaimedDisk } from './claimed-disk.ts'
import type { OperationControl } from './operation.ts'
import { writeLaidImage } from './write-image.ts'

/**
 * Makes a disk of several files larger: its last file grows where it is, further ones are made, and the one that names
 * them takes the old one's place in one step. Before that the disk has its old size, whatever is there already.
 * @returns False for a disk in one file.
 * @throws VivariumError what `growth` throws; kind `conflict` when a file of the name of a further one is there.
 */
export async function expandInFiles(
  { format, path, folder }: ClaimedDisk,
  sizeBytes: number,
  control: OperationControl,
): Promise<boolean> {
  const surroundings = surroundingsOf(path, { roots: control.roots })
  const store = openDiskStore(path, false)
  try {
    const growth = format.growth?.(store, { sizeBytes, name: basename(path) }, surroundings)
    if (growth === undefined) return false
    await writeLaidImage(growth, emptySource(sizeBytes), {
      folder,
      replace: 'last',
      control,
      *check() {
        growth.growLast()
        yield sizeBytes
      },
    })
    return true
  } catch (error) {
    throw error instanceof VivariumError && error.code === 'host-eexist' ? nameTaken(error) : error
  } finally {
    store.close()
  }
}

function nameTaken(cause: VivariumError): VivariumError {
  const message = 'The disk would go on in this file, and one of that name is there already.'
  return new VivariumError('conflict', 'expand-file-exists', message, {
    where: cause.where,
    next: 'Move it away, if no disk uses it.',
    cause,
  })
}
