/** One thing that 7-Zip lists. */
export interface ListedItem {
  /** Parts divided by "/"; a line break in a name is shown as "_". */
  readonly path: string
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly sizeBytes: number
  /** ISO 8601 without a zone. */
  readonly modified?: string
  readonly target?: string
  /** Where the file system numbers its files. */
  readonly inode?: number
  /** A file with the attribute "system" of Windows. */
  readonly isSystem?: true
}

/** A line of the listing that is longer is none of ours. */
const MAX_LINE = 1 << 20

/**
 * Reads what `7z l -ba -slt` prints: for each item lines of "Name = value" and an empty line. A value cannot make a
 * line of its own, for 7-Zip prints a line break in a name as "_".
 */
export class ListingParser {
  readonly #decoder = new TextDecoder()
  readonly #found: (item: ListedItem) => void
  #rest = ''
  #fields = new Map<string, string>()

  constructor(found: (item: ListedItem) => void) {
    this.#found = found
  }

  add(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n')
    this.#rest = lines.pop()!.slice(0, MAX_LINE)
    for (const line of lines) this.#line(line)
  }

  end(): void {
    this.#line(this.#rest)
    this.#line('')
  }

  #line(line: string): void {
    if (line === '') {
      const item = itemOf(this.#fields)
      this.#fields = new Map()
      if (item !== undefined) this.#found(item)
      return
    }
    const cut = line.indexOf(' = ')
    if (cut >= 0) this.#fields.set(line.slice(0, cut), line.slice(cut + 3))
    else if (line.endsWith(' =')) this.#fields.set(line.slice(0, -2), '')
  }
}

function itemOf(fields: ReadonlyMap<string, string>): ListedItem | undefined {
  const path = fields.get('Path')
  if (path === undefined || fields.get('Alternate Stream') === '+' || fields.get('Deleted') === '+')
    return undefined
  const target = targetOf(fields)
  const kind = kindOf(fields)
  const inode = Number(fields.get('iNode') ?? '')
  const modified = timeOf(fields.get('Modified'))
  return {
    path,
    kind,
    sizeBytes: kind === 'file' ? sizeOf(fields.get('Size')) : 0,
    ...(modified !== undefined && { modified }),
    ...(inode > 0 && { inode }),
    ...(kind === 'link' && target !== undefined && { target }),
    ...(kind === 'file' && attributesOf(fields).includes('S') && { isSystem: true }),
  }
}

function kindOf(fields: ReadonlyMap<string, string>): ListedItem['kind'] {
  const isFolder = fields.get('Folder') === '+'
  if (isReparsePoint(fields)) {
    if (windowsTargetOf(fields) !== undefined) return 'link'
    return isFolder ? 'folder' : 'other'
  }
  if (fields.get('Symbolic Link')) return 'link'
  if (isFolder) return 'folder'
  const type = fields.get('Mode')?.[0]
  if (type === 'l') return 'link'
  return type !== undefined && 'bcps'.includes(type) ? 'other' : 'file'
}

function targetOf(fields: ReadonlyMap<string, string>): string | undefined {
  const target = isReparsePoint(fields) ? windowsTargetOf(fields) : fields.get('Symbolic Link')
  // Empty, or with bytes that are no text: then nobody knows.
  return target === '' || target?.includes('\ufffd') ? undefined : target
}

/** Reparse points of NTFS: links, junctions, and files that Windows keeps elsewhere (compressed, deduplicated, remote). */
function isReparsePoint(fields: ReadonlyMap<string, string>): boolean {
  return attributesOf(fields).includes('L')
}

/** Letters of Windows; what 7-Zip has of Unix stands behind them. */
function attributesOf(fields: ReadonlyMap<string, string>): string {
  return fields.get('Attributes')?.split(' ')[0] ?? ''
}

/**
 * 7-Zip shows `target`, `Junction: target` or `WSL: target`, where the name that people see is another one `target :
 * name`, and for what is no link `TAG:length bytes` or nothing.
 */
function windowsTargetOf(fields: ReadonlyMap<string, string>): string | undefined {
  const link = fields.get('Link') ?? ''
  if (link === '' || /^[^ :\\]+:\d/.test(link)) return undefined
  const wsl = /^WSL: (.*)$/s.exec(link)?.[1]
  if (wsl !== undefined) return wsl
  const [target, name] = link.replace(/^Junction: /, '').split(' : ')
  return name || target
}

function sizeOf(text: string | undefined): number {
  const size = Number(text)
  return Number.isFinite(size) && size > 0 ? Math.min(size, Number.MAX_SAFE_INTEGER) : 0
}

/** "2001-02-03 04:05:06.1234567" -> "2001-02-03T04:05:06". */
function timeOf(text: string | undefined): string | undefined {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)/.exec(text ?? '')
  return match === null ? undefined : `${match[1]}T${match[2]}`
}
