import { resolve } from 'node:path'
import { z } from 'zod'
import type { GuestReport } from '../../disk/index.ts'
import {
  type ExtractEvent,
  type ExtractSummary,
  extractSummarySchema,
  guestReportSchema,
  type InsideEntry,
  type InsideVolume,
  insideEntrySchema,
  insideVolumeSchema,
} from './entry.ts'
import { Reader, type ReaderLimits } from './reader.ts'

export interface InsideOptions {
  /** Folders that the disk and its parents must lie in, symbolic links followed. */
  readonly roots: readonly string[]
  /** Folders to look in for parents, by their ids. */
  readonly searchFolders?: readonly string[] | undefined
  readonly limits?: Partial<ReaderLimits>
}

export interface Listing {
  /** Folders first, then by name. */
  readonly entries: InsideEntry[]
  /** What is wrong with the volume although it can be read, a sentence each. */
  readonly problems: string[]
}

/** Gets what an extraction tells, in order; the reader waits until it has taken a piece. */
export type ExtractSink = (event: ExtractEvent) => void | Promise<void>

/** A disk to look into: any format, any chain, no mount and no rights. Nothing of it is ever changed. */
export interface Inside {
  readonly path: string
  volumes(): Promise<InsideVolume[]>
  /** @param path Parts divided by "/"; "" is the volume's first folder. */
  list(volume: number, path: string): Promise<Listing>
  /** How much there is to extract at and below a path, and what is wrong with the volume, as in a listing. */
  total(volume: number, path: string): Promise<Total>
  /** A file, or a folder with everything in it. What stands in the volume's way is thrown after what could be read. */
  extract(volume: number, path: string, sink: ExtractSink, signal?: AbortSignal): Promise<ExtractSummary>
  /** What system lies on it, by its own files; undefined when none of them is known. */
  guest(): Promise<GuestReport | undefined>
  /** Ends the reader’s process; what still waits, and any later question, is refused with code `inside-closed`. */
  close(): void
}

const listingSchema = z.object({ entries: z.array(insideEntrySchema), problems: z.array(z.string()) })
const totalSchema = z.object({ files: z.number(), bytes: z.number(), problems: z.array(z.string()) })
type Total = z.infer<typeof totalSchema>

/**
 * Looks into a disk without starting a machine. The reading is done by a process of its own, for file systems are
 * hostile until read: it is bounded in time and memory, and ended when it gets lost.
 * Every method throws VivariumError: kind `not-found`, `unsupported` (a file system that cannot be read), `corrupt` ...
 */
export function openInside(path: string, options: InsideOptions): Inside {
  const { roots, searchFolders = [], limits } = options
  const absolute = resolve(path)
  const reader = new Reader({ path: absolute, roots, searchFolders }, limits)
  return {
    path: absolute,
    volumes: async () => z.array(insideVolumeSchema).parse(await reader.ask({ ask: 'volumes' })),
    list: async (volume, inside) =>
      listingSchema.parse(await reader.ask({ ask: 'list', volume, path: inside })),
    total: async (volume, inside) =>
      totalSchema.parse(await reader.ask({ ask: 'total', volume, path: inside })),
    extract: async (volume, inside, sink, signal) =>
      extractSummarySchema.parse(await reader.ask({ ask: 'extract', volume, path: inside }, sink, signal)),
    guest: async () => guestReportSchema.nullable().parse(await reader.ask({ ask: 'guest' })) ?? undefined,
    close: () => reader.close(),
  }
}
