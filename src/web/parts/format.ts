/** Times, durations and shares as people read them. Sizes are `formatSize` of the base room. */

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** "4 s", "3 min 5 s", "2 h 14 min", "5 d 3 h": the two largest units. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole < MINUTE) return `${whole} s`
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${whole % MINUTE} s`
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h ${Math.floor((whole % HOUR) / MINUTE)} min`
  return `${Math.floor(whole / DAY)} d ${Math.floor((whole % DAY) / HOUR)} h`
}

/** "just now", "4 min ago", "yesterday" and for what is older the day itself. */
export function formatAgo(iso: string, now: Date): string {
  const then = new Date(iso)
  const seconds = (now.getTime() - then.getTime()) / 1000
  if (seconds < 45) return 'just now'
  if (seconds < HOUR) return `${Math.max(1, Math.round(seconds / MINUTE))} min ago`
  if (seconds < DAY) return `${Math.round(seconds / HOUR)} h ago`
  if (seconds < 7 * DAY) return `${Math.round(seconds / DAY)} d ago`
  return then.toISOString().slice(0, 10)
}

const WHEN = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** In the reader's time zone; the text itself when it is not a time. */
export function formatWhen(iso: string): string {
  const time = new Date(iso)
  return Number.isNaN(time.getTime()) ? iso : WHEN.format(time)
}

/** Share of a whole in percent, 0 to 100, and 0 of nothing. */
export function percentOf(part: number, whole: number): number {
  return whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0
}

/** Last part of a path of either world: "C:\VMs\a.vhd" and "/srv/a.vhd" are both "a.vhd". */
export function baseName(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part !== '') ?? path
}

/** Everything before the last part, without the separator at its end; the root stays itself. */
export function folderOf(path: string): string {
  const cut = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  return cut < 0 ? '' : path.slice(0, Math.max(cut, 1))
}
