import { asciiOf, viewOf } from '../../../base/index.ts'
import { undoFixups } from '../ntfs-volume.ts'
import { damaged, notClean } from './allocation.ts'
import type { NtfsFile } from './ntfs-file.ts'

/**
 * $LogFile begins with two restart pages; the later one counts.
 *
 *   page: 0 4 "RSTR"   16 4 bytes of a page   24 2 restart area
 *   area: 0 8 how late it is   12 2 first log client in use (FFFF = none)   14 2 flags (2 = volume is clean)
 *
 * A log of FF bytes is empty: other systems and tools leave it so.
 */
const PAGE_BYTES = 4096
const NO_CLIENT = 0xffff
const VOLUME_IS_CLEAN = 2

interface RestartArea {
  readonly lsn: bigint
  readonly clean: boolean
}

/** @throws Doubt where the log has to be played first: the volume was not shut down, or Windows sleeps. */
export function demandCleanLog(log: NtfsFile): void {
  if (log.sizeBytes < 2 * PAGE_BYTES) throw damaged('Its log is too short.')
  const [one, two] = [restartArea(log, 0), restartArea(log, PAGE_BYTES)]
  if (one === 'empty' && two === 'empty') return
  if (one === 'empty' || two === 'empty') throw notClean('Its log is half empty.')
  const last = two.lsn > one.lsn ? two : one
  if (!last.clean) throw notClean('It was not shut down in order, or Windows sleeps on it.')
}

function restartArea(log: NtfsFile, at: number): RestartArea | 'empty' {
  const page = log.bytes(at, PAGE_BYTES)
  if (page.every((byte) => byte === 0xff)) return 'empty'
  const view = viewOf(page)
  const area = view.getUint16(24, true)
  if (asciiOf(page.subarray(0, 4)) !== 'RSTR' || !undoFixups(page)) throw damaged('Its log is damaged.')
  if (view.getUint32(16, true) !== PAGE_BYTES || area + 16 > PAGE_BYTES) throw damaged('Its log is damaged.')
  const client = view.getUint16(area + 12, true)
  const flags = view.getUint16(area + 14, true)
  return {
    lsn: view.getBigUint64(area, true),
    clean: client === NO_CLIENT || (flags & VOLUME_IS_CLEAN) !== 0,
  }
}
