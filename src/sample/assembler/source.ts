import { VivariumError } from '../../base/index.ts'

export interface AssembleOptions {
  /** The name of the source, for errors. */
  readonly path: string
  /** The text of a file that the source includes; absent: it includes none. */
  readonly include?: (name: string) => string
}

/** One line of the source, comments and blanks taken away. */
export interface SourceLine {
  readonly path: string
  /** From 1. */
  readonly number: number
  /** The full name: a local label `.x` below `send` is `send.x`. */
  readonly label?: string
  /** The nearest label above that is not local. */
  readonly scope: string
  /** Lower case; empty for a line with nothing but a label. */
  readonly mnemonic: string
  readonly rest: string
}

const LABEL = /^\s*([.a-z_][\w.]*)(?::|(?=\s+equ\s))/i
const INCLUDE = /^\s*%include\s+['"]([^'"]+)['"]\s*$/i
const MAX_DEPTH = 8

/** Splits a source and what it includes into lines. */
export function readLines(source: string, options: AssembleOptions): readonly SourceLine[] {
  const lines: SourceLine[] = []
  let scope = ''

  function readFile(text: string, path: string, depth: number): void {
    for (const [index, whole] of text.split(/\r?\n/).entries()) {
      const line = withoutComment(whole)
      const include = INCLUDE.exec(line)
      if (include !== null) {
        readFile(included(include[1]!, path, index + 1, depth), include[1]!, depth + 1)
        continue
      }
      const [marked = '', name] = LABEL.exec(line) ?? []
      if (name !== undefined && !name.startsWith('.')) scope = name
      const label = name?.startsWith('.') ? `${scope}${name}` : name
      const statement = line.slice(marked.length).trim()
      if (statement === '' && label === undefined) continue
      const [, mnemonic = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(statement) ?? []
      const place = { path, number: index + 1, scope }
      lines.push({ ...place, mnemonic: mnemonic.toLowerCase(), rest, ...(label !== undefined && { label }) })
    }
  }

  function included(name: string, path: string, number: number, depth: number): string {
    if (options.include === undefined || depth >= MAX_DEPTH) {
      throw new VivariumError('malformed', 'assembly-line', `"${name}" cannot be included here.`, {
        where: { path, field: `line ${number}` },
      })
    }
    return options.include(name)
  }

  readFile(source, options.path, 0)
  return lines
}

/** Cuts at the first `;` outside quotes. */
function withoutComment(line: string): string {
  return /^(?:[^;'"]|'[^']*'|"[^"]*")*/.exec(line)![0]
}
