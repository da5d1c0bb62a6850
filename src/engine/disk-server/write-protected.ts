import { VivariumError } from '../../base/index.ts'
import type { Disk } from '../../disk/index.ts'

/**
 * A disk that says it can be written and then refuses. An IDE hard disk has no write protection, so QEMU takes no
 * read-only export for one; this way the machine starts, and every write of the guest fails (EPERM).
 */
export function writeProtected(disk: Disk, name: string): Disk {
  const refuse = (): never => {
    throw new VivariumError('denied', 'disk-write-protected', `The disk ${name} is opened read-only.`, {
      next: 'Start the machine with an undo disk to let it write.',
    })
  }
  return {
    format: disk.format,
    sizeBytes: disk.sizeBytes,
    writable: true,
    read: (offset, into) => disk.read(offset, into),
    write: refuse,
    flush: () => disk.flush(),
    writeZeroes: refuse,
    // Only a hint; a refusal would tell the guest of a fault where there is none.
    discard: () => undefined,
    extents: (offset, length) => disk.extents(offset, length),
    storedAt: (offset, length) => disk.storedAt(offset, length),
    close: () => disk.close(),
  }
}
