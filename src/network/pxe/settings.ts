import { z } from 'zod'
import { parseIpv4 } from '../addresses.ts'

/** Booting from the network: a folder of files, and what a machine that asks is told to load. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
const CONTROL = /[\x00-\x1f\x7f]/
/** What iPXE's shell would take for something else than text: variables, operators, comments. */
const SCRIPT_MARKS = /\$\{|(?:^|\s)(?:\|\||&&|;|#)/

const line = z
  .string()
  .min(1)
  .max(1024)
  .refine((text) => !CONTROL.test(text), 'It has to be one line of printable characters')
const title = line
  .max(120)
  .refine((text) => !SCRIPT_MARKS.test(text), 'A title has no "${", "||", "&&", ";" or "#"')
/** Below the boot folder, or a whole URL. */
const file = line.refine((text) => !/\s/.test(text) || !text.includes('://'), 'A URL has no spaces')

export const bootEntrySchema = z.union(
  [
    z.strictObject({
      title,
      /** A Linux kernel, or anything else that iPXE starts as one. */
      kernel: file,
      initrd: z.union([file, z.array(file).max(16)]).optional(),
      /** iPXE's settings, such as `${net0/mac}`, are filled in. */
      arguments: line.max(4096).optional(),
    }),
    z.strictObject({
      title,
      /** A boot program or an iPXE script; an .iso or .img is attached as a disk. */
      file,
    }),
  ],
  'An entry has a title, and a kernel or else a boot file',
)

const address = z.string().refine((text) => parseIpv4(text) !== undefined, 'It is not an IPv4 address')

/** The menu of the boot ROM itself, without iPXE (PXE 2.1, 2.2.3, tag 43). */
const romMenuSchema = z.strictObject({
  /** What the ROM shows while it waits for the key F8. */
  prompt: line.max(200).default('Press F8 for the boot menu'),
  /** Until the first item is taken; 0 = at once, 255 = wait for a choice. */
  timeoutSeconds: z.int().min(0).max(255).default(10),
  items: z
    .array(
      z.strictObject({
        title: line.max(200),
        /** Loaded from the boot server; absent = boot from the local disk. */
        file: file.optional(),
        /** Default: this network's own host. */
        server: address.optional(),
      }),
      'The menu of the boot ROM has no items',
    )
    .min(1, 'The menu of the boot ROM has no items')
    .max(16),
})

export const pxeOptionsSchema = z.strictObject({
  enabled: z.boolean().default(true),
  /** Absolute path on the host. Everything in it may be read by every station of the network. */
  folder: z.string().min(1).max(4096),
  /** Of the menu that iPXE shows, served as boot.ipxe. */
  entries: z.array(bootEntrySchema).max(64).default([]),
  /** Title of the entry that is taken after the time. Default: the first. */
  default: z.string().optional(),
  /** 0 = the default entry at once, without a menu. */
  timeoutSeconds: z.int().min(0).max(3600).default(10),
  /** What each kind of firmware loads first. Default: iPXE where there are entries, else pxelinux.0 or bootx64.efi. */
  files: z
    .strictObject({
      bios: file.optional(),
      'efi-ia32': file.optional(),
      'efi-x64': file.optional(),
      'efi-arm64': file.optional(),
    })
    .default({}),
  romMenu: romMenuSchema.optional(),
})

export type PxeOptions = z.infer<typeof pxeOptionsSchema>
export type BootEntry = z.infer<typeof bootEntrySchema>
export type RomMenu = z.infer<typeof romMenuSchema>
export type FirmwareKind = keyof PxeOptions['files']
