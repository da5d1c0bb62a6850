/**
 * The names in an archive. What a volume calls its files is hostile: whoever unpacks the archive, with whatever
 * program, must find everything below the folder that he chose. Names stay as they are but for that:
 *
 *   "..", "."             are no names but places          "__", "_"
 *   control characters    steer terminals, end strings     "_" each
 *   "\"                   divides folders on Windows       "_"
 *   "C:" at the front     is a drive there                 "C_"
 *
 * Two of one name would be one file: the second gets a number.
 */
export class ArchiveNames {
  readonly #taken = new Set<string>()
  readonly #links = new Set<string>()

  /** A folder that is there already keeps its name: its files may have come before it. */
  folder(path: string): string {
    const name = harmless(path)
    this.#claim(name)
    return name
  }

  file(path: string): string {
    const wanted = harmless(path)
    let name = wanted
    for (let count = 2; this.#taken.has(name); count++) name = numbered(wanted, count)
    this.#claim(name)
    return name
  }

  /** Undefined when it would lie behind another link: nothing may be put where a link leads. */
  link(path: string): string | undefined {
    const above = foldersOf(harmless(path))
    if (above.some((folder) => this.#links.has(folder.toLowerCase()))) return undefined
    const name = this.file(path)
    this.#links.add(name.toLowerCase())
    return name
  }

  /** The folders that it lies in are taken too, named or not. */
  #claim(name: string): void {
    this.#taken.add(name)
    for (const folder of foldersOf(name).reverse()) {
      if (this.#taken.has(folder)) return
      this.#taken.add(folder)
    }
  }
}

/** "a/b/c" -> "a", "a/b". */
function foldersOf(path: string): string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}

function harmless(path: string): string {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => part.replace(/[\p{Cc}\\]/gu, '_'))
    .map((part) => (part === '.' || part === '..' ? part.replaceAll('.', '_') : part))
  return (parts.join('/') || '_').replace(/^([A-Za-z]):/, '$1_')
}

/** "setup.log" -> "setup (2).log". */
function numbered(name: string, count: number): string {
  const [, stem, ending] = /^(.*?)(\.[^./]*)?$/s.exec(name)!
  return stem === '' || stem!.endsWith('/') ? `${name} (${count})` : `${stem} (${count})${ending ?? ''}`
}
