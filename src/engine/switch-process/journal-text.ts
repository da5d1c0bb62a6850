import { readFileSync } from 'node:fs'
import { VivariumError } from '../../base/index.ts'
import { systemError } from '../../system/index.ts'

/**
 * The form of a journal: JSON documents, and the newest of a key counts.
 *
 *     {"leases": 1}                                              what it is, and its version
 *     {"address": "10.244.0.16", "client": ..., "state": ...}    the entry of a key, new or changed
 *     {"address": "10.244.0.16", "removed": true}
 *     [{"address": ...}, {"address": ...}]                       what came together is one line: all or nothing
 *
 * A last line that a crash cut short is left out: nobody was told of it.
 */

/** What a journal keeps. */
export interface JournalForm {
  /** In its first line. */
  readonly name: 'leases' | 'dns' | 'wins'
  /** The field of an entry that is its key. */
  readonly key: string
  readonly malformed: { readonly code: string; readonly message: string; readonly next: string }
}

export const LEASES: JournalForm = {
  name: 'leases',
  key: 'address',
  malformed: {
    code: 'lease-file-malformed',
    message: 'It is not a file of DHCP leases.',
    next: 'Move it away; the guests then get new leases.',
  },
}

export const DNS: JournalForm = {
  name: 'dns',
  key: 'key',
  malformed: {
    code: 'dns-file-malformed',
    message: 'It is not a file of DNS registrations.',
    next: 'Move it away; the guests then register anew.',
  },
}

export const WINS: JournalForm = {
  name: 'wins',
  key: 'key',
  malformed: {
    code: 'wins-file-malformed',
    message: 'It is not a file of WINS registrations.',
    next: 'Move it away; the machines then register anew.',
  },
}

export interface JournalReading {
  readonly live: ReadonlyMap<string, string>
  readonly bytes: number
  /** False: its end is cut, so nothing can be added to it. */
  readonly isWhole: boolean
}

type Document = Readonly<Record<string, unknown>>

export function headerOf({ name }: JournalForm): string {
  return `{"${name}": 1}`
}

/** Changes that belong together, each a JSON document. */
export function lineOf(changes: readonly string[]): string {
  return changes.length === 1 ? `${changes[0]}\n` : `[${changes.join(',')}]\n`
}

/** Undefined when there is none. @throws VivariumError kind `malformed`, `denied` or `io` with its path. */
export function readJournal(path: string, form: JournalForm): JournalReading | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw systemError(error, path)
  }
  const malformed = () =>
    new VivariumError('malformed', form.malformed.code, form.malformed.message, {
      where: { path },
      next: form.malformed.next,
    })
  const live = new Map<string, string>()
  const take = (entry: unknown) => {
    const key = isDocument(entry) ? entry[form.key] : undefined
    if (!isDocument(entry) || typeof key !== 'string') throw malformed()
    if (entry.removed === true) live.delete(key)
    else live.set(key, JSON.stringify(entry))
  }
  // As that of leases was before it became a journal: one document.
  const whole = parse(text)
  if (isDocument(whole) && Array.isArray(whole[form.name])) {
    for (const entry of whole[form.name] as unknown[]) take(entry)
    return { live, bytes: text.length, isWhole: false }
  }
  const lines = text.split('\n').map(parse)
  const [header] = lines
  if (!isDocument(header) || header[form.name] !== 1) throw malformed()
  // After the last line's end there is nothing; what a power failure leaves there is not a line of ours.
  const isWhole = text.endsWith('\n')
  const end = isWhole || lines.at(-1) === undefined ? lines.length - 1 : lines.length
  for (const line of lines.slice(1, end)) for (const entry of Array.isArray(line) ? line : [line]) take(entry)
  return { live, bytes: text.length, isWhole }
}

function parse(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
