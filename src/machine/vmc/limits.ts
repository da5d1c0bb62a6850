/** Megabytes that Virtual PC and Virtual Server give a machine (formats.md 2.1), and what is assumed where a file says none. */
export const MEMORY_MB = { least: 4, most: 3712, assumed: 128 } as const

/** A key of our own for the guest's name. */
export const GUEST_OS_KEY = 'settings/vivarium/guest_os'
