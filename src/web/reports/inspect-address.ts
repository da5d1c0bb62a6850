/** The Inspect page of a file; a link to it can be kept or sent. */
export function inspectAddress(path: string): string {
  return `/disks/inspect?path=${encodeURIComponent(path)}`
}

/** The same page at the files inside a disk. */
export function filesAddress(path: string): string {
  return `${inspectAddress(path)}#files`
}
