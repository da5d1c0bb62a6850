import { z } from 'zod'

/** What is in a disk, as it is told: to the command line, over HTTP and between the reader's process and ours. */
export const insideVolumeSchema = z.object({
  /** As the partition table counts; 0 = one file system fills the whole disk. */
  number: z.number(),
  /** `FAT32`, `ext4` ...; absent when nobody knows it. */
  fileSystem: z.string().optional(),
  label: z.string().optional(),
  sizeBytes: z.number(),
  /** Its files can be listed. */
  readable: z.boolean(),
})
export type InsideVolume = z.infer<typeof insideVolumeSchema>

export const insideEntrySchema = z.object({
  name: z.string(),
  kind: z.enum(['file', 'folder', 'link', 'other']),
  /** 0 for what is no file. */
  sizeBytes: z.number(),
  /**
   * ISO 8601. FAT keeps the wall clock's time and no zone; then there is none at its end, and whoever reads it takes
   * the zone for his own, as the guest did.
   */
  modified: z.string().optional(),
  /** Where a symbolic link leads, as the volume says it; absent when that cannot be read. */
  target: z.string().optional(),
})
export type InsideEntry = z.infer<typeof insideEntrySchema>

/**
 * What an extraction tells, in order. A path is relative to the folder that holds what was asked for, its parts
 * divided by "/"; it is the volume's own word, so hostile until checked. Between `file` and `end` come the bytes of
 * that file: `data` and `hole` (so many zeroes).
 */
export const extractEventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('folder'), path: z.string(), modified: z.string().optional() }),
  z.object({
    event: z.literal('file'),
    path: z.string(),
    sizeBytes: z.number().optional(),
    modified: z.string().optional(),
  }),
  z.object({ event: z.literal('hole'), length: z.number() }),
  z.object({ event: z.literal('end') }),
  /** A symbolic link, after everything that is no link: nothing may be written through one. */
  z.object({
    event: z.literal('link'),
    path: z.string(),
    /** As the volume has it, never followed. */
    target: z.string(),
    modified: z.string().optional(),
  }),
  /** Not extracted: a link to nobody knows where, or what is neither file, folder nor link. */
  z.object({ event: z.literal('skipped'), path: z.string(), kind: z.enum(['link', 'other']) }),
])
export type ExtractEvent =
  | z.infer<typeof extractEventSchema>
  | { readonly event: 'data'; readonly bytes: Uint8Array }

/** As the disk room's `GuestReport`. */
export const guestReportSchema = z.object({
  name: z.string(),
  version: z.string().optional(),
  confidence: z.enum(['certain', 'likely', 'hint']),
  evidence: z.array(z.string()),
})

export const extractSummarySchema = z.object({
  files: z.number(),
  folders: z.number(),
  links: z.number(),
  skipped: z.number(),
  bytes: z.number(),
})
export type ExtractSummary = z.infer<typeof extractSummarySchema>
