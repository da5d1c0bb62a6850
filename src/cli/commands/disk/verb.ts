import type { Command } from 'commander'

/** Adds one verb to `vivarium disk`. */
export type DiskVerb = (disk: Command) => void
