import { isZero, MiB } from '../../base/index.ts'
import { openFileStore } from '../../system/index.ts'
import { assembleGuest } from '../guest-sources.ts'
import type { DiskContent } from '../machine-folder.ts'
import { masterBootRecord } from '../partition-table.ts'
import {
  BOOT_SECTORS,
  BOOT_START,
  BOOT_TYPE,
  DISK_BYTES,
  DISK_ID,
  ROOT_SECTORS,
  ROOT_START,
  ROOT_TYPE,
} from './recipe.ts'

/** A quarter of a VHD's block: small enough to leave holes, large enough to be quick. */
const PIECE_BYTES = MiB / 2

/** The whole disk: our boot record, the boot partition, the root partition; without what is zero. */
export function debianContent(bootImage: string, rootImage: string): DiskContent {
  const partitions = [
    { type: BOOT_TYPE, active: true, start: BOOT_START, sectors: BOOT_SECTORS },
    { type: ROOT_TYPE, active: false, start: ROOT_START, sectors: ROOT_SECTORS },
  ]
  return {
    sizeBytes: DISK_BYTES,
    *pieces() {
      yield { offset: 0, bytes: masterBootRecord(assembleGuest('mbr.asm').bytes, partitions, DISK_ID) }
      yield* piecesOf(bootImage, BOOT_START * 512)
      yield* piecesOf(rootImage, ROOT_START * 512)
    },
  }
}

function* piecesOf(path: string, start: number): Generator<{ offset: number; bytes: Uint8Array }> {
  const store = openFileStore(path)
  try {
    for (let at = 0; at < store.size(); at += PIECE_BYTES) {
      const bytes = new Uint8Array(Math.min(PIECE_BYTES, store.size() - at))
      store.read(at, bytes)
      if (!isZero(bytes)) yield { offset: start + at, bytes }
    }
  } finally {
    store.close()
  }
}
