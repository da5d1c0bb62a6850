import type { LayoutOptions } from '../../layout.ts'

/** A line of the disk data base: its key as it is written, without `ddb.`, and its value. */
export type DatabaseEntry = readonly [key: string, value: string]

/** How `ImageFacts.details` and `LayoutOptions.details` name them. */
const PREFIX = 'ddb.'
/** Written anew from what the disk is told to be, and never a copy. */
const OWN = new Set([
  'virtualhwversion',
  'adaptertype',
  'geometry.cylinders',
  'geometry.heads',
  'geometry.sectors',
  // A new descriptor is in UTF-8, whatever the old one was in.
  'encoding',
])
/** What is true of a copy too. All else is about this one disk or its files: ids, sidecars, how its room was given. */
const OF_COPIES = /^(?:toolsVersion|toolsInstallType|geometry\.bios\w+)$/i
/** A descriptor in a sparse file has 10 KiB, in which names must fit too. */
const MAX_KEPT_BYTES = 6 << 10

export function databaseDetails(entries: readonly DatabaseEntry[]): Record<string, string> {
  const kept = entries.filter(
    // Without what could not stand between quotes.
    ([key, value]) => !OWN.has(key.toLowerCase()) && /^[\w.]+$/.test(key) && !/["\p{Cc}]/u.test(value),
  )
  return Object.fromEntries(kept.map(([key, value]) => [`${PREFIX}${key}`, value]))
}

/** The lines that are as true of the new image as they were of the one that the details are of. */
export function keptDatabase(options: LayoutOptions): DatabaseEntry[] {
  const kept: DatabaseEntry[] = []
  let bytes = 0
  for (const [name, value] of Object.entries(options.details ?? {})) {
    if (!name.startsWith(PREFIX)) continue
    const entry = [name.slice(PREFIX.length), String(value)] as const
    bytes += new TextEncoder().encode(name + entry[1]).length
    if (bytes > MAX_KEPT_BYTES) break
    if (staysTrue(entry, options)) kept.push(entry)
  }
  return kept
}

/** An id says that the new image is the old disk; a geometry, that it has the old size. */
function staysTrue([key, value]: DatabaseEntry, { id, geometry, parent }: LayoutOptions): boolean {
  if (/^geometry\./i.test(key) && geometry === undefined) return false
  if (id === undefined) return OF_COPIES.test(key)
  // Its end is the content id. Who changed that alone, as older products do, left this one behind.
  if (/^longContentID$/i.test(key)) return value.toLowerCase().endsWith(id.toLowerCase().padStart(8, '0'))
  // VirtualBox has its parent's here, and zeroes where there is none.
  if (/^(?:uuid\.parent|nativeParent)/i.test(key)) return parent !== undefined || /^[0-]*$/.test(value)
  return true
}
