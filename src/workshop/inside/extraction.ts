import { isZero, VivariumError } from '../../base/index.ts'
import type { FilePiece } from '../../disk/index.ts'
import type { ExtractEvent, ExtractSummary } from './entry.ts'
import { type FileTree, partsOf } from './file-tree.ts'

export type Emit = (event: ExtractEvent) => void

/** What is read without 7-Zip. */
export interface OtherWay {
  /** Files that are not asked of it at all. */
  readonly large: readonly string[]
  /** The bytes of a file, or so many zeroes; undefined where there is no other way to read it. */
  piecesOf(path: string): Iterable<Uint8Array | number> | undefined
}

const PIECE_BYTES = 256 << 10
/** 7-Zip writes a hole in small pieces of zeroes; told together they are fewer messages, and often enough for a bar. */
const HOLE_BYTES = 16 << 20

export function* bytesOf(
  pieces: Iterable<FilePiece>,
  read: (offset: number, into: Uint8Array) => void,
): Generator<Uint8Array | number> {
  for (const piece of pieces) {
    if (piece.kind === 'hole') yield piece.length
    else
      for (let done = 0; done < piece.length; done += PIECE_BYTES) {
        const bytes = new Uint8Array(Math.min(PIECE_BYTES, piece.length - done))
        read(piece.offset + done, bytes)
        yield bytes
      }
  }
}

/** Turns what 7-Zip writes into events: only what was asked for, named from its own folder on. */
export class Extraction {
  readonly summary: ExtractSummary = { files: 0, folders: 0, links: 0, skipped: 0, bytes: 0 }
  readonly #tree: FileTree
  readonly #wanted: string
  readonly #emit: Emit
  readonly #short: string[] = []
  readonly #others: OtherWay
  #left: ReadonlySet<string>
  /** Files were read in the other way, so that it does not matter what 7-Zip says of them. */
  helped = false
  /** Zeroes of the open file that were not told yet. */
  #untold = 0
  #file: { readonly path: string; readonly expected: number; written: number } | undefined

  constructor(tree: FileTree, wanted: string, emit: Emit, others: OtherWay) {
    this.#others = others
    this.#left = new Set(others.large)
    this.#tree = tree
    this.#wanted = wanted
    this.#emit = emit
  }

  /** What is neither file nor folder. Comes last, so that nobody can write anything through a link. */
  tellLinks(): void {
    const name = partsOf(this.#wanted).at(-1) ?? ''
    for (const { path: below, entry } of this.#tree.below(this.#wanted)) {
      const { kind, target, modified } = entry
      if (kind !== 'link' && kind !== 'other') continue
      const path = [name, below].filter((part) => part !== '').join('/')
      if (kind === 'link' && target !== undefined) {
        this.summary.links++
        this.#emit({ event: 'link', path, target, ...(modified !== undefined && { modified }) })
      } else {
        this.summary.skipped++
        this.#emit({ event: 'skipped', path, kind })
      }
    }
  }

  /** The files that were not asked of 7-Zip: an end without any bytes has them read in the other way. */
  addOthers(): void {
    this.#left = new Set()
    for (const path of this.#others.large) {
      this.file(path)
      this.end()
    }
  }

  folder(path: string): void {
    if (!this.#isWanted(path) || this.#tree.seek(shown(path))?.entry.kind === 'link') return
    this.summary.folders++
    this.#emit({ event: 'folder', path: this.#relative(path), ...modifiedOf(this.#tree, path) })
  }

  file(path: string): number | undefined {
    if (!this.#isWanted(path) || this.#left.has(shown(path))) return undefined
    const entry = this.#tree.seek(shown(path))?.entry
    // 7-Zip takes a link that it may not make for a file.
    if (entry !== undefined && entry.kind !== 'file') return undefined
    const sizeBytes = entry?.sizeBytes
    this.#file = { path, expected: sizeBytes ?? 0, written: 0 }
    this.#emit({
      event: 'file',
      path: this.#relative(path),
      ...(sizeBytes !== undefined && { sizeBytes }),
      ...modifiedOf(this.#tree, path),
    })
    return sizeBytes ?? Number.MAX_SAFE_INTEGER
  }

  data(bytes: Uint8Array): void {
    if (isZero(bytes)) {
      this.#hole(bytes.length)
      return
    }
    this.#tellHole()
    this.#file!.written += bytes.length
    this.summary.bytes += bytes.length
    this.#emit({ event: 'data', bytes })
  }

  end(): void {
    const { path, expected } = this.#file!
    if (this.#file!.written === 0 && expected > 0) this.#readOtherwise(path)
    const { written } = this.#file!
    if (written < expected) this.#short.push(path)
    this.#tellHole()
    this.#file = undefined
    this.summary.files++
    this.#emit({ event: 'end' })
  }

  #readOtherwise(path: string): void {
    const pieces = this.#others.piecesOf(shown(path))
    if (pieces === undefined) return
    this.helped = true
    for (const piece of pieces) {
      if (typeof piece === 'number') this.#hole(piece)
      else this.data(piece)
    }
  }

  #hole(length: number): void {
    this.#file!.written += length
    this.summary.bytes += length
    this.#untold += length
    if (this.#untold >= HOLE_BYTES) this.#tellHole()
  }

  #tellHole(): void {
    if (this.#untold > 0) this.#emit({ event: 'hole', length: this.#untold })
    this.#untold = 0
  }

  problem(): VivariumError | undefined {
    if (this.#short.length === 0) return undefined
    return new VivariumError('corrupt', 'inside-damaged', `/${this.#short[0]} ends before its end.`, {
      next: 'Check its file system in the guest.',
    })
  }

  #isWanted(path: string): boolean {
    const name = shown(path)
    return this.#wanted === '' || name === this.#wanted || name.startsWith(`${this.#wanted}/`)
  }

  #relative(path: string): string {
    return path
      .split('/')
      .slice(Math.max(0, partsOf(this.#wanted).length - 1))
      .join('/')
  }
}

function modifiedOf(tree: FileTree, path: string): { modified?: string } {
  const modified = tree.seek(shown(path))?.entry.modified
  return modified === undefined ? {} : { modified }
}

/** As the listing has it. */
function shown(path: string): string {
  return path.replaceAll('\n', '_')
}
