import { VivariumError } from '../../base/index.ts'
import type { InsideEntry } from './entry.ts'
import type { ListedItem } from './listing.ts'

/** More than any system disk of the time has; what a damaged or hostile volume can make us hold. */
export const MAX_ENTRIES = 1_000_000

interface Node {
  readonly name: string
  item: Omit<ListedItem, 'path'> | undefined
  children: Map<string, Node> | undefined
}

/** The files of one volume by folder, from a listing that has them in any order. */
export class FileTree {
  readonly #root: Node = { name: '', item: undefined, children: new Map() }
  readonly #ignoreCase: boolean
  #count = 0

  /** @param ignoreCase Names may be written in either case, as the volume's own system has it. */
  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase
  }

  /** @throws VivariumError kind `unsupported` when there are too many. */
  add({ path, ...item }: ListedItem): void {
    let node = this.#root
    for (const name of partsOf(path)) {
      node.children ??= new Map()
      let child = node.children.get(name)
      if (child === undefined) {
        if (++this.#count > MAX_ENTRIES) throw tooMany()
        child = { name, item: undefined, children: undefined }
        node.children.set(name, child)
      }
      node = child
    }
    // Of two of one name the first counts, as it does when it is extracted.
    if (node !== this.#root) node.item ??= item
  }

  remove(name: string): void {
    this.#root.children!.delete(name)
  }

  /** What is there, and its path as the volume writes it. @throws VivariumError kind `not-found`. */
  find(path: string): { readonly path: string; readonly entry: InsideEntry } {
    const { parts, node } = this.#walk(path)
    return { path: parts.join('/'), entry: entryOf(node) }
  }

  /** As `find`, and undefined when it is not there. */
  seek(path: string): { readonly path: string; readonly entry: InsideEntry } | undefined {
    try {
      return this.find(path)
    } catch (error) {
      if (error instanceof VivariumError && error.kind === 'not-found') return undefined
      throw error
    }
  }

  /** The number that the file system has for it. */
  inodeOf(path: string): number | undefined {
    return this.#walk(path).node.item?.inode
  }

  /** Folders first, then by name. @throws VivariumError kind `not-found` or `invalid` (it is no folder). */
  list(path: string): InsideEntry[] {
    const { parts, node } = this.#walk(path)
    if (node.children === undefined && node.item?.kind !== 'folder') {
      throw new VivariumError('invalid', 'inside-not-a-folder', `/${parts.join('/')} is no folder.`, {
        next: 'Name the folder that it lies in.',
      })
    }
    return [...(node.children?.values() ?? [])].map(entryOf).sort(byKindAndName)
  }

  /** The files at and below a path: how many, and their bytes. */
  total(path: string): { files: number; bytes: number } {
    const sum = { files: 0, bytes: 0 }
    for (const { entry } of this.below(path)) {
      if (entry.kind !== 'file') continue
      sum.files++
      sum.bytes += entry.sizeBytes
    }
    return sum
  }

  /** Everything at and below a path, with its path from there: the thing itself is "". */
  *below(path: string): Generator<{ readonly path: string; readonly entry: InsideEntry }> {
    const stack: { path: string; node: Node }[] = [{ path: '', node: this.#walk(path).node }]
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      yield { path: at.path, entry: entryOf(at.node) }
      for (const node of at.node.children?.values() ?? [])
        stack.push({ path: at.path === '' ? node.name : `${at.path}/${node.name}`, node })
    }
  }

  #walk(path: string): { parts: string[]; node: Node } {
    const parts: string[] = []
    let node = this.#root
    for (const name of partsOf(path)) {
      const child = node.children?.get(name) ?? this.#anyCase(node, name)
      if (child === undefined) {
        throw new VivariumError(
          'not-found',
          'inside-no-such-file',
          `There is no "${name}" in /${parts.join('/')}.`,
          { next: 'List the folder to see what is there.' },
        )
      }
      parts.push(child.name)
      node = child
    }
    return { parts, node }
  }

  #anyCase({ children }: Node, name: string): Node | undefined {
    if (!this.#ignoreCase || children === undefined) return undefined
    const wanted = name.toLowerCase()
    for (const child of children.values()) if (child.name.toLowerCase() === wanted) return child
    return undefined
  }
}

export function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '')
}

/** A folder that only its content names has no item of its own. */
function entryOf({ name, item }: Node): InsideEntry {
  if (item === undefined) return { name, kind: 'folder', sizeBytes: 0 }
  const { inode: _, isSystem: __, ...told } = item
  return { name, ...told }
}

function byKindAndName(a: InsideEntry, b: InsideEntry): number {
  const folders = Number(b.kind === 'folder') - Number(a.kind === 'folder')
  if (folders !== 0) return folders
  const [left, right] = [a.name.toLowerCase(), b.name.toLowerCase()]
  return left < right ? -1 : left > right ? 1 : a.name < b.name ? -1 : Number(a.name > b.name)
}

function tooMany(): VivariumError {
  return new VivariumError(
    'unsupported',
    'inside-too-many-files',
    `The volume has more than ${MAX_ENTRIES} files and folders, or is damaged.`,
    { next: 'Check its file system in the guest.' },
  )
}
