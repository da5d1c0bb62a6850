import { VivariumError } from '../../base/index.ts'
import {
  extFilePieces,
  extLinkTarget,
  type FilePiece,
  maybeInterixLink,
  ntfsFilePieces,
  ntfsInterixLink,
  volumeOf,
} from '../../disk/index.ts'
import { NEXT_CHECK_IN_GUEST, problemOf } from './complaints.ts'
import { DiscLinks } from './disc-links.ts'
import type { ExtractSummary, InsideEntry } from './entry.ts'
import { bytesOf, type Emit, Extraction } from './extraction.ts'
import { hasLocalTimes, ignoresCase, innerFolderOf } from './file-systems.ts'
import { FileTree } from './file-tree.ts'
import { type ListedItem, ListingParser } from './listing.ts'
import { OUTPUT_FOLDER } from './output-folder.ts'
import { runSevenZip, type SevenZipOutputs, type SevenZipResult } from './seven-zip.ts'
import type { VolumePlace } from './volume-file.ts'

/**
 * Quiet; no alternate streams; symbolic links are told by the listing, and what 7-Zip makes of them is thrown away. Of a
 * file with several names (hard links), each gets the bytes.
 */
const SWITCHES = ['-bso0', '-bsp0', '-sns-', '-snh-', '-y']

/** Files from this size on are read by ourselves where we can, and so many of a folder: each is named to 7-Zip. */
const LARGE_BYTES = 64 << 20
const MAX_LARGE_FILES = 200
/** By 7-Zip's name of the file system. */
const PIECES: Readonly<
  Record<string, (volume: ReturnType<typeof volumeOf>, inode: number) => Iterable<FilePiece> | undefined>
> = { Ext: extFilePieces, NTFS: ntfsFilePieces }
const NOTHING_TOLD: SevenZipResult = { code: 0, errors: [], excused: 0, trouble: {} }

interface Listed {
  readonly handler: string
  readonly tree: FileTree
  /** What is wrong with it although it can be read. */
  readonly problems: readonly string[]
}

/** One file system on a disk, read with 7-Zip. */
export class Volume {
  readonly #place: VolumePlace
  readonly #handlers: readonly string[]
  #listed: Listed | undefined

  /** @param handlers How 7-Zip may read it, best first. */
  constructor(place: VolumePlace, handlers: readonly string[]) {
    this.#place = place
    this.#handlers = handlers
  }

  /** All its files. @throws VivariumError kind `corrupt` when it cannot be read at all. */
  async listed(): Promise<Listed> {
    for (const [index, handler] of this.#handlers.entries()) {
      if (this.#listed !== undefined) break
      try {
        this.#listed = await this.#list(handler)
      } catch (error) {
        if (index === this.#handlers.length - 1) throw error
      }
    }
    return this.#listed!
  }

  async #list(handler: string): Promise<Listed> {
    const tree = new FileTree(ignoresCase(handler))
    const zone = hasLocalTimes(handler) ? '' : 'Z'
    let count = 0
    const discLinks = handler === 'Iso' ? new DiscLinks(this.#volume()) : undefined
    const parser = new ListingParser((item) => {
      count++
      tree.add({
        ...(discLinks?.apply(item) ?? this.#withLink(handler, item)),
        ...(item.modified !== undefined && { modified: item.modified + zone }),
      })
    })
    const result = await this.#run(
      ['l', '-ba', '-slt', '-sccUTF-8', '-bsp0', '-sns-', `-t${handler}`, '--', '/in/volume'],
      { print: (bytes) => parser.add(bytes) },
    )
    parser.end()
    const problem = problemOf(result)
    if (problem !== undefined && count === 0) throw problem
    const inner = innerFolderOf(handler)
    if (inner !== undefined) tree.remove(inner)
    const { problems = [] } = this.#place.reading ?? {}
    return { handler, tree, problems: problem === undefined ? problems : [...problems, problem.message] }
  }

  /**
   * Tells the content of a file, or of a folder with everything in it.
   * @throws VivariumError kind `not-found`; `corrupt` when not all of it can be read, after what can be.
   */
  async extract(path: string, emit: Emit): Promise<ExtractSummary> {
    const { handler, tree } = await this.listed()
    const found = tree.find(path)
    const { kind } = found.entry
    if (kind === 'link' || kind === 'other') throw notExtractable(found.path, found.entry)
    const others = (file: string) => this.#piecesOf(handler, tree.inodeOf(file))
    const excuses = (line: string) => isOfLink(line, tree)
    const large = handler in PIECES ? this.#largeFiles(handler, tree, found.path) : []
    const extraction = new Extraction(tree, found.path, emit, { large, piecesOf: others })
    let result = large.includes(found.path)
      ? NOTHING_TOLD
      : await this.#extractNamed(handler, found.path, { output: extraction, excuses }, [
          '-spd',
          ...large.map((file) => `-x!${file}`),
        ])
    extraction.addOthers()
    if (kind === 'file' && extraction.summary.files === 0 && /[_\ufffd]/.test(found.path))
      result = await this.#extractNamed(handler, patternOf(found.path), { output: extraction, excuses }, [])
    extraction.tellLinks()
    const problem = problemOf(result, extraction.helped) ?? extraction.problem()
    if (problem !== undefined) throw problem
    if (kind === 'file' && extraction.summary.files === 0) throw notNameable(found.path)
    return extraction.summary
  }

  /** 7-Zip makes every byte of a hole; we know how long it is. It has to be worth it, and be named by its own name. */
  #largeFiles(handler: string, tree: FileTree, wanted: string): string[] {
    return [...tree.below(wanted)]
      .map(({ path, entry }) => ({ path: [wanted, path].filter((part) => part !== '').join('/'), entry }))
      .filter(
        ({ path, entry: { kind, sizeBytes = 0 } }) =>
          kind === 'file' &&
          sizeBytes >= LARGE_BYTES &&
          !/[*?\ufffd]/.test(path) &&
          this.#piecesOf(handler, tree.inodeOf(path)) !== undefined,
      )
      .slice(0, MAX_LARGE_FILES)
      .map(({ path }) => path)
  }

  #extractNamed(
    handler: string,
    name: string,
    outputs: SevenZipOutputs,
    exact: readonly string[] = ['-spd'],
  ): Promise<SevenZipResult> {
    const inner = innerFolderOf(handler)
    const switches = [...SWITCHES, ...exact, '-aou', `-o${OUTPUT_FOLDER}`, `-t${handler}`]
    if (name === '' && inner !== undefined) switches.push(`-x!${inner}`)
    return this.#run(['x', ...switches, '--', '/in/volume', ...(name === '' ? [] : [name])], outputs)
  }

  #volume(): ReturnType<typeof volumeOf> {
    return volumeOf(this.#place.disk, this.#place.offset, this.#place.sizeBytes)
  }

  /** What 7-Zip does not know of links. */
  #withLink(handler: string, item: ListedItem): ListedItem {
    if (handler === 'Ext') return this.#withTarget(item)
    return handler === 'NTFS' ? this.#withInterix(item) : item
  }

  #withInterix(item: ListedItem): ListedItem {
    const { kind, isSystem, inode, sizeBytes } = item
    if (kind !== 'file' || isSystem !== true || inode === undefined || !maybeInterixLink(sizeBytes))
      return item
    const link = ntfsInterixLink(this.#volume(), inode)
    return link === undefined ? item : { ...item, ...link, kind: 'link', sizeBytes: 0 }
  }

  /** 7-Zip shows no target of a link with extended attributes, and none as it is. */
  #withTarget(item: ListedItem): ListedItem {
    if (item.kind !== 'link') return item
    const { target: _, ...rest } = item
    const target = item.inode && extLinkTarget(this.#volume(), item.inode)
    return target === undefined || target === 0 ? rest : { ...rest, target }
  }

  /** Files with holes are what 7-Zip cannot read in ext2 and ext3, and reads slowly in ext4 and NTFS; we can. */
  #piecesOf(handler: string, inode: number | undefined): Iterable<Uint8Array | number> | undefined {
    const { disk, offset } = this.#place
    const pieces = inode === undefined ? undefined : PIECES[handler]?.(this.#volume(), inode)
    return pieces && bytesOf(pieces, (at, into) => disk.read(offset + at, into))
  }

  async #run(args: readonly string[], outputs: SevenZipOutputs): Promise<SevenZipResult> {
    try {
      return await runSevenZip(this.#place, args, outputs)
    } catch (error) {
      if (error instanceof VivariumError || !(error instanceof WebAssembly.RuntimeError)) throw error
      throw new VivariumError('corrupt', 'inside-damaged', 'The reader of the file system gave up on it.', {
        next: NEXT_CHECK_IN_GUEST,
        cause: error,
      })
    }
  }
}

/** Whether an error is about what is not asked of 7-Zip at all: it ends with the path. */
function isOfLink(line: string, tree: FileTree): boolean {
  const parts = line.split(' : ')
  return parts.some((_, index) => {
    const kind = index > 0 && tree.seek(parts.slice(index).join(' : '))?.entry.kind
    return kind === 'link' || kind === 'other'
  })
}

function notExtractable(path: string, { kind, target }: InsideEntry): VivariumError {
  return kind === 'link'
    ? new VivariumError('unsupported', 'inside-is-a-link', `/${path} is a symbolic link.`, {
        next: `Name what it leads to${target === undefined ? '' : `: ${target}`}.`,
      })
    : new VivariumError('unsupported', 'inside-not-a-file', `/${path} is a device or a pipe.`, {
        next: 'Only files and folders can be taken out.',
      })
}

function notNameable(path: string): VivariumError {
  return new VivariumError(
    'unsupported',
    'inside-name',
    `/${path} has a name that cannot be told to the reader.`,
    {
      next: 'Take out the folder that it lies in.',
    },
  )
}

/** A name that is not shown as it is: a line break as "_", bytes that are no text as U+FFFD. */
function patternOf(path: string): string {
  return path.replaceAll('_', '?').replaceAll(/\ufffd+/g, '*')
}
