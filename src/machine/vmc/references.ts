import type { FileReference } from '../machine.ts'
import type { GroupReader } from '../preferences/reader.ts'

/** Reads a `pathname`, `undo_pathname` or `path` group: undefined when neither path says anything. */
export function readReference(group: GroupReader): FileReference | undefined {
  const absolute = group.text('absolute')
  const relative = group.text('relative')
  if (absolute === undefined && relative === undefined) return undefined
  return { ...(absolute !== undefined && { absolute }), ...(relative !== undefined && { relative }) }
}

/** The path to show: the full one if there is one. */
export function referenceLabel(reference: FileReference): string {
  return reference.absolute || reference.relative || ''
}

/** The letter of a drive of the host: "D", "D:" or "D:\"; undefined for a file's path. */
export function driveLetterOf(reference: FileReference): string | undefined {
  const match = /^([A-Za-z])(?::[\\/]?)?$/.exec(reference.absolute || reference.relative || '')
  return match?.[1]?.toUpperCase()
}

/** A whole disk of the host, as Windows names it: `\\.\PhysicalDrive0`. */
export function hostDiskOf(reference: FileReference): string | undefined {
  const path = referenceLabel(reference)
  return /^\\\\[.?]\\/.test(path) ? path : undefined
}
