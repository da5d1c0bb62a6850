export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB
export const TiB = 1024 * GiB

const UNITS = [
  ['TiB', TiB],
  ['GiB', GiB],
  ['MiB', MiB],
  ['KiB', KiB],
] as const

/** Bytes for people, in binary units: 1536 is "1.5 KiB". */
export function formatSize(bytes: number): string {
  for (const [name, size] of UNITS) {
    if (bytes >= size) return `${trimZero((bytes / size).toFixed(bytes / size < 10 ? 2 : 1))} ${name}`
  }
  return plural(bytes, 'byte')
}

/** "1 disk", "3 disks". */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`
}

function trimZero(text: string): string {
  return text.replace(/\.?0+$/, '')
}

/** "64M", "20 GiB", "1.5g", "4096" -> bytes; undefined when it is not a size. Units are binary. */
export function parseSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*$/i.exec(text)
  if (!match) return undefined
  const factor = { '': 1, k: KiB, m: MiB, g: GiB, t: TiB }[
    match[2]!.toLowerCase() as '' | 'k' | 'm' | 'g' | 't'
  ]
  const bytes = Math.round(Number(match[1]) * factor)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
