import type { DiskVolume } from '../../../api/index.ts'

/** Where the reader is in a disk; in the address as "1:/WINDOWS/system32". Undefined = at the list of volumes. */
export interface Place {
  readonly volume: number
  /** Names of folders from the volume's first one on. */
  readonly folders: readonly string[]
}

export function parsePlace(text: string | null): Place | undefined {
  const match = /^(\d+):(.*)$/s.exec(text ?? '')
  if (match === null) return undefined
  return { volume: Number(match[1]), folders: match[2]!.split('/').filter((part) => part !== '') }
}

export function formatPlace({ volume, folders }: Place): string {
  return `${volume}:/${folders.join('/')}`
}

/** Where to begin: a disk with one volume has no choice to show. */
export function firstPlace(volumes: readonly DiskVolume[]): Place | undefined {
  const readable = volumes.filter((volume) => volume.readable)
  return readable.length === 1 ? { volume: readable[0]!.number, folders: [] } : undefined
}

export function volumeName({ number, fileSystem, label }: DiskVolume): string {
  const kind = fileSystem === undefined ? '' : ` (${fileSystem})`
  if (label !== undefined) return `${label}${kind}`
  return `${number === 0 ? 'Whole disk' : `Volume ${number}`}${kind}`
}

/** A file of the guest, to download. */
export function fileAddress(path: string, { volume, folders }: Place, name: string): string {
  const inside = [...folders, name].join('/')
  return `/api/disks/file?${new URLSearchParams({ path, volume: String(volume), inside })}`
}

/** The folder with everything in it, to download as a zip archive. */
export function archiveAddress(path: string, { volume, folders }: Place): string {
  const inside = folders.join('/')
  return `/api/disks/archive?${new URLSearchParams({ path, volume: String(volume), inside })}`
}
