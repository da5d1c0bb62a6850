import { asciiOf, viewOf } from '../../base/index.ts'
import type { Volume } from './volume.ts'

/**
 * Symbolic links on an ISO 9660 disc, which Rock Ridge keeps in the system use field behind each directory record
 * (IEEE P1281 "SUSP", P1282 "RRIP"). Joliet, the other names of a disc, has none.
 *
 *   record: 0 1 length   2 4 block   10 4 size   25 1 flags (2 = folder)   32 1 length of the name   33 name, padded
 *   entry:  0 2 sign   2 1 length   3 1 version;  SP 6 1 bytes to skip   CE 4 4 block 12 4 offset 20 4 length
 *           NM 4 1 flags 5 name   SL 4 1 flags 5 components (flags, length, text)   CL 4 4 block of a folder moved away
 */
const SECTOR = 2048
const DESCRIPTORS_AT = 16 * SECTOR
const MAX_DESCRIPTORS = 64
const FOLDER = 2
/** What a damaged disc can make us look at. */
const MAX_RECORDS = 500_000
const MAX_DEPTH = 64
const MAX_CONTINUATIONS = 32
const CONTINUES = 1
const COMPONENT = { current: 2, parent: 4, root: 8 } as const

interface Disc {
  readonly volume: Volume
  readonly blockBytes: number
  /** Bytes of the system use field that belong to somebody else. */
  readonly skip: number
  readonly links: Map<string, string | undefined>
  left: number
}

interface Extent {
  readonly block: number
  readonly size: number
}

/**
 * Where the links of the disc lead, by their paths; undefined where that is damaged or no text. A folder that was moved
 * for its depth counts in both places.
 */
export function rockRidgeLinks(volume: Volume): ReadonlyMap<string, string | undefined> {
  const links = new Map<string, string | undefined>()
  const root = rootOf(volume)
  const first = root && volume.bytes(root.extent.block * root.blockBytes, SECTOR)
  if (root === undefined || first === undefined) return links
  const skip = skipOf(systemUseOf(first, 0, 0))
  if (skip === undefined) return links
  walk({ volume, blockBytes: root.blockBytes, skip, links, left: MAX_RECORDS }, root.extent, '', 0)
  return links
}

/** Of the primary volume descriptor (ECMA-119 8.4): the folder that Rock Ridge is about. */
function rootOf(volume: Volume): { readonly extent: Extent; readonly blockBytes: number } | undefined {
  for (let index = 0; index < MAX_DESCRIPTORS; index++) {
    const bytes = volume.bytes(DESCRIPTORS_AT + index * SECTOR, SECTOR)
    if (bytes === undefined || asciiOf(bytes.subarray(1, 6)) !== 'CD001' || bytes[0] === 255) return undefined
    if (bytes[0] !== 1) continue
    const blockBytes = viewOf(bytes).getUint16(128, true)
    return [512, 1024, 2048].includes(blockBytes)
      ? { extent: extentAt(bytes.subarray(156, 190)), blockBytes }
      : undefined
  }
  return undefined
}

function extentAt(record: Uint8Array): Extent {
  const view = viewOf(record)
  return { block: view.getUint32(2, true), size: view.getUint32(10, true) }
}

function skipOf(systemUse: Uint8Array): number | undefined {
  const isSp = signOf(systemUse) === 'SP' && systemUse[4] === 0xbe && systemUse[5] === 0xef
  return isSp ? systemUse[6] : undefined
}

function systemUseOf(sector: Uint8Array, at: number, skip: number): Uint8Array {
  const name = sector[at + 32] ?? 0
  return sector.subarray(at + 33 + name + ((name + 1) % 2) + skip, at + (sector[at] ?? 0))
}

function walk(disc: Disc, { block, size }: Extent, folder: string, depth: number): void {
  for (let done = 0; done < size && depth < MAX_DEPTH; done += SECTOR) {
    const sector = disc.volume.bytes(block * disc.blockBytes + done, SECTOR)
    if (sector === undefined) return
    for (let at = 0; at + 34 <= SECTOR; ) {
      const length = sector[at]!
      if (length < 34 || at + length > SECTOR) break
      if (disc.left-- <= 0) return
      take(disc, sector, at, folder, depth)
      at += length
    }
  }
}

function take(disc: Disc, sector: Uint8Array, at: number, folder: string, depth: number): void {
  const isSelfOrParent = sector[at + 32] === 1 && sector[at + 33]! <= 1
  if (isSelfOrParent) return
  const { name, link, movedTo } = entriesOf(disc, systemUseOf(sector, at, disc.skip))
  if (name === undefined) return
  const path = folder === '' ? name : `${folder}/${name}`
  if (movedTo !== undefined) {
    const first = disc.volume.bytes(movedTo * disc.blockBytes, SECTOR)
    // Its size stands in the record of itself.
    if (first !== undefined) walk(disc, { block: movedTo, size: extentAt(first).size }, path, depth + 1)
  } else if ((sector[at + 25]! & FOLDER) !== 0)
    walk(disc, extentAt(sector.subarray(at, at + 34)), path, depth + 1)
  else if (link !== undefined) disc.links.set(path, link.text())
}

interface Entries {
  readonly name?: string | undefined
  readonly link?: Target | undefined
  readonly movedTo?: number | undefined
}

function entriesOf(disc: Disc, systemUse: Uint8Array): Entries {
  const names: Uint8Array[] = []
  let link: Target | undefined
  let movedTo: number | undefined
  for (const entry of allEntries(disc, systemUse)) {
    const sign = signOf(entry)
    if (sign === 'NM' && entry.length > 5) names.push(entry.subarray(5))
    else if (sign === 'SL' && entry.length >= 5) {
      link ??= new Target()
      link.add(entry[4]!, entry.subarray(5))
    } else if (sign === 'CL' && entry.length >= 12) movedTo = viewOf(entry).getUint32(4, true)
  }
  return { name: textOf(names), link, movedTo }
}

/** In their order, also where they go on in another place (CE). */
function* allEntries({ volume, blockBytes }: Disc, systemUse: Uint8Array): Generator<Uint8Array> {
  let area: Uint8Array | undefined = systemUse
  for (let count = 0; area !== undefined && count <= MAX_CONTINUATIONS; count++) {
    let next: Uint8Array | undefined
    for (let at = 0; at + 4 <= area.length; ) {
      const length = area[at + 2]!
      if (length < 4 || at + length > area.length) break
      const entry: Uint8Array = area.subarray(at, at + length)
      if (signOf(entry) === 'CE' && length >= 28) {
        const [block, offset, size] = [4, 12, 20].map((field) => viewOf(entry).getUint32(field, true))
        next = volume.bytes(block! * blockBytes + offset!, Math.min(SECTOR, size!))
      }
      yield entry
      at += length
    }
    area = next
  }
}

function signOf(entry: Uint8Array): string {
  return asciiOf(entry.subarray(0, 2))
}

/** A target in its components, of which one may be cut in two anywhere (RRIP 4.1.3.1). */
class Target {
  #parts: Uint8Array[][] = []
  #open = false
  #isRooted = false
  #isCut = true

  /** @param state Whether another entry follows. */
  add(state: number, components: Uint8Array): void {
    this.#isCut = (state & CONTINUES) !== 0
    for (let at = 0; at < components.length; ) {
      const [flags, length] = [components[at]!, components[at + 1] ?? 255]
      if (at + 2 + length > components.length) {
        this.#isCut = true
        return
      }
      if ((flags & COMPONENT.root) !== 0) {
        this.#parts = []
        this.#isRooted = true
      } else {
        const text =
          (flags & COMPONENT.parent) !== 0
            ? new Uint8Array([0x2e, 0x2e])
            : (flags & COMPONENT.current) !== 0
              ? new Uint8Array([0x2e])
              : components.subarray(at + 2, at + 2 + length)
        if (this.#open) this.#parts.at(-1)?.push(text)
        else this.#parts.push([text])
      }
      this.#open = (flags & CONTINUES) !== 0
      at += 2 + length
    }
  }

  text(): string | undefined {
    const parts = this.#parts.map(textOf)
    if (this.#isCut || (!this.#isRooted && parts.length === 0)) return undefined
    return parts.includes(undefined) ? undefined : (this.#isRooted ? '/' : '') + parts.join('/')
  }
}

/** Undefined where it is no text, or could be taken for something else. */
function textOf(pieces: readonly Uint8Array[]): string | undefined {
  if (pieces.length === 0) return undefined
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return /[\0/]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}
