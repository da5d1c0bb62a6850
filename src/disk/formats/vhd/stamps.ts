import type { Footer } from './footer.ts'

/** Time stamps count seconds from 2000-01-01 00:00:00. The zone is the writer's affair, see `stampNote`. */
const EPOCH_MS = Date.UTC(2000, 0, 1)

export function stampToIso(stamp: number): string {
  return new Date(EPOCH_MS + stamp * 1000).toISOString().replace('.000Z', 'Z')
}

export function stampOf(time: Date): number {
  return Math.max(0, Math.min(0xffff_ffff, Math.floor((time.getTime() - EPOCH_MS) / 1000)))
}

/**
 * Windows 10 stamps UTC (equal to the NTFS times inside, to the second). Virtual PC 2007 stamps what looks like
 * local time: the time inside its own unique id is eleven hours away. A stamp is therefore shown, never corrected.
 */
export function stampNote(footer: Footer): string {
  if (footer.stamp === 0) return 'The file holds no time stamp.'
  if (footer.creatorApplication === 'win ') return 'UTC.'
  if (footer.creatorApplication === 'vpc ' || footer.creatorApplication === 'vs  ')
    return 'Virtual PC seems to stamp local time, so this may be off by the writer’s time zone.'
  return 'UTC by the specification; some writers stamp local time.'
}
