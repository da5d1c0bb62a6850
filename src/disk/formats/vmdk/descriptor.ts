import { asciiOf, type Problem, VivariumError } from '../../../base/index.ts'
import type { Geometry } from '../../format.ts'
import type { DatabaseEntry } from './database.ts'

/**
 * The descriptor: text of `key=value` lines, lines that describe extents, and `ddb.` lines (Virtual Disk Format 5.0,
 * "The Descriptor File"). It is a file of its own, or lies in a sparse extent, filled up with NULs. Only its own
 * `encoding` line says how its bytes are to be read: Chinese and Japanese Windows write GBK and Shift_JIS.
 */
export interface Descriptor {
  readonly createType: string
  /** Changes whenever the content has changed since the disk was last closed; children record it. */
  readonly contentId: number | undefined
  /** `NO_PARENT` for a disk without one. */
  readonly parentContentId: number
  readonly parentHint: string | undefined
  readonly extents: readonly ExtentLine[]
  /** The disk data base: adapter, geometry, hardware version; keys in lower case, without `ddb.`. */
  readonly database: ReadonlyMap<string, string>
  /** The same as it is written. */
  readonly databaseEntries: readonly DatabaseEntry[]
  /** Where the digits of the content id stand, from the start of the descriptor. */
  readonly contentIdPlace: { readonly at: number; readonly length: number } | undefined
  readonly problems: readonly Problem[]
}

export interface ExtentLine {
  readonly access: 'RW' | 'RDONLY' | 'NOACCESS'
  readonly sectors: number
  /** FLAT, SPARSE, ZERO, VMFS ... */
  readonly type: string
  readonly name: string | undefined
  /** Sector of the extent's file where its data begins; for flat extents. */
  readonly offset: number
}

export const NO_PARENT = 0xffff_ffff
export const MAX_DESCRIPTOR_BYTES = 1 << 20
/** 16 TiB in pieces of 2 GB, twice. */
export const MAX_EXTENTS = 1 << 14
/** Everything in bytes must be a safe integer. */
const MAX_SECTORS = 2 ** 43

/** The first line of every descriptor that VMware's and others' products write. */
const FIRST_LINE = /^(?:\ufeff|\xef\xbb\xbf)?\s*#\s*Disk\s+DescriptorFile/i

export function looksLikeDescriptor(start: Uint8Array): boolean {
  return FIRST_LINE.test(asciiOf(start.subarray(0, 256)))
}

/** @throws VivariumError kind `malformed`. */
export function parseDescriptor(padded: Uint8Array, path: string): Descriptor {
  const nul = padded.indexOf(0)
  const bytes = nul === -1 ? padded : padded.subarray(0, nul)
  // One character a byte, to find the places of what is ASCII in every encoding.
  const ascii = asciiOf(bytes)
  const { text, problems } = decode(bytes, ascii, path)
  const values = new Map<string, string>()
  const entries: DatabaseEntry[] = []
  const extents: ExtentLine[] = []
  for (const line of text.split(/\r\n|\n|\r/)) {
    const extent = parseExtent(line, path)
    if (extent !== undefined) {
      if (extents.length === MAX_EXTENTS) throw malformed(path, `It has more than ${MAX_EXTENTS} extents.`)
      extents.push(extent)
      continue
    }
    const pair = /^([\w.]+)\s*=\s*(.*)$/.exec(line.trim())
    if (pair === null) continue
    const key = pair[1]!.toLowerCase()
    const value = unquoted(pair[2]!)
    if (key.startsWith('ddb.')) entries.push([pair[1]!.slice(4), value])
    else if (!values.has(key)) values.set(key, value)
  }
  const createType = values.get('createtype') ?? ''
  if (createType === '' && extents.length === 0)
    throw malformed(path, 'The descriptor names neither its type nor any extent.')
  return {
    createType: createType === '' ? 'custom' : createType,
    contentId: hex32(values.get('cid')),
    parentContentId: hex32(values.get('parentcid')) ?? NO_PARENT,
    parentHint: values.get('parentfilenamehint') || undefined,
    extents,
    database: new Map(entries.map(([key, value]) => [key.toLowerCase(), value])),
    databaseEntries: entries,
    contentIdPlace: placeOfContentId(ascii),
    problems,
  }
}

function malformed(path: string, message: string): VivariumError {
  return new VivariumError('malformed', 'vmdk-descriptor', message, {
    where: { path, field: 'descriptor' },
    next: 'The descriptor is damaged: copy it again from its source.',
  })
}

function decode(bytes: Uint8Array, ascii: string, path: string): { text: string; problems: Problem[] } {
  const label = /^[ \t]*encoding[ \t]*=[ \t]*"?([^"\s]{1,40})/im.exec(ascii)?.[1] ?? 'utf-8'
  try {
    return { text: new TextDecoder(label).decode(bytes), problems: [] }
  } catch {
    const problem: Problem = {
      code: 'vmdk-encoding-unknown',
      severity: 'warning',
      message: `The descriptor is in the encoding "${label}", which is not known here.`,
      next: 'Names of files in it may be wrong. Write them anew in UTF-8 if a file is not found.',
      where: { path, field: 'encoding' },
    }
    return { text: new TextDecoder().decode(bytes), problems: [problem] }
  }
}

/** `RW 4192256 SPARSE "disk-s001.vmdk"`, `RW 63 FLAT "disk-pt.vmdk" 0`, `RW 8192 ZERO`. */
function parseExtent(line: string, path: string): ExtentLine | undefined {
  const match = /^\s*(RW|RDONLY|NOACCESS)\s+(\d+)\s+([A-Za-z]\w*)(?:\s+"([^"]*)")?(?:\s+(\d+))?/i.exec(line)
  if (match === null) return undefined
  const sectors = Number(match[2])
  const offset = Number(match[5] ?? 0)
  if (sectors > MAX_SECTORS || offset > MAX_SECTORS)
    throw malformed(path, `An extent of ${match[2]} sectors at sector ${offset} cannot be.`)
  return {
    access: match[1]!.toUpperCase() as ExtentLine['access'],
    sectors,
    type: match[3]!.toUpperCase(),
    name: match[4] === '' ? undefined : match[4],
    offset,
  }
}

/** OVF tools leave the quotes out. */
function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1).split('"', 1)[0]! : value
}

function hex32(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9a-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : undefined
}

function placeOfContentId(ascii: string): Descriptor['contentIdPlace'] {
  const match = /^([ \t]*CID[ \t]*=[ \t]*"?)([0-9a-f]{1,8})(?=["\s]|$)/im.exec(ascii)
  return match === null ? undefined : { at: match.index + match[1]!.length, length: match[2]!.length }
}

/** As the descriptor writes it, and as `ImageFacts.id` shows it. */
export function contentIdText(id: number): string {
  return id.toString(16).padStart(8, '0')
}

/** Of the children's view: FFFFFFFF says that there is no parent, so no disk may have that id. */
export function randomContentId(): number {
  const id = crypto.getRandomValues(new Uint32Array(1))[0]!
  return id === NO_PARENT ? 1 : id
}

export function geometryOfDatabase(database: ReadonlyMap<string, string>): Geometry | undefined {
  const number = (key: string) => Number(database.get(`geometry.${key}`) ?? Number.NaN)
  const [cylinders, heads, sectorsPerTrack] = [number('cylinders'), number('heads'), number('sectors')]
  if (![cylinders, heads, sectorsPerTrack].every((value) => Number.isSafeInteger(value) && value > 0))
    return undefined
  return { cylinders, heads, sectorsPerTrack }
}

export interface NewDescriptor {
  readonly createType: string
  readonly contentId: number
  readonly parent?: { readonly contentId: number; readonly hint: string }
  readonly extents: readonly ExtentLine[]
  readonly adapter: string
  readonly geometry: Geometry
  readonly hardwareVersion: number
  /** More of the disk data base; nothing when absent. */
  readonly database?: readonly DatabaseEntry[]
}

export function formatDescriptor(disk: NewDescriptor): Uint8Array<ArrayBuffer> {
  const lines = [
    '# Disk DescriptorFile',
    'version=1',
    'encoding="UTF-8"',
    `CID=${contentIdText(disk.contentId)}`,
    `parentCID=${contentIdText(disk.parent?.contentId ?? NO_PARENT)}`,
    `createType="${disk.createType}"`,
    ...(disk.parent ? [`parentFileNameHint="${disk.parent.hint}"`] : []),
    '',
    '# Extent description',
    ...disk.extents.map(extentText),
    '',
    '# The Disk Data Base',
    '#DDB',
    '',
    `ddb.virtualHWVersion = "${disk.hardwareVersion}"`,
    `ddb.geometry.cylinders = "${disk.geometry.cylinders}"`,
    `ddb.geometry.heads = "${disk.geometry.heads}"`,
    `ddb.geometry.sectors = "${disk.geometry.sectorsPerTrack}"`,
    `ddb.adapterType = "${disk.adapter}"`,
    ...(disk.database ?? []).map(([key, value]) => `ddb.${key} = "${value}"`),
    '',
  ]
  return new TextEncoder().encode(lines.join('\n'))
}

function extentText({ access, sectors, type, name, offset }: ExtentLine): string {
  return `${access} ${sectors} ${type} "${name}"${type === 'FLAT' ? ` ${offset}` : ''}`
}
