import { readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Problem, problemFrom, VivariumError } from '../../base/index.ts'
import type { LeaseRecord, LeaseStore } from '../../network/index.ts'
import { systemError, writeFileAtomically } from '../../system/index.ts'

/**
 * A network's DHCP leases in a file: a journal, a JSON document a line.
 *
 *     {"leases": 1}                                              what it is, and its version
 *     {"address": "10.244.0.16", "client": ..., "state": ...}    the lease of an address, new or changed
 *     {"address": "10.244.0.16", "removed": true}
 *
 * A guest hears of its lease when that is on disk (RFC 2131, 3.1, step 4). What comes while a write is under way goes
 * out with the next one, so thousands of guests cost few writes, and the switch moves frames meanwhile. When most
 * lines are history the file is written anew, whole: old or new. A last line that a crash cut short is left out:
 * nobody was told of it. A file that cannot be written is a problem to show, not a reason to stop answering guests.
 */
const HEADER = '{"leases": 1}'
/** Written anew when so many lines, and three times the leases, were added. */
const HISTORY_LINES = 1000
/** After a save that failed. */
const RETRY_MS = 10_000

export class LeaseFile implements LeaseStore {
  readonly #path: string
  /** The newest line of every address. */
  readonly #lines = new Map<string, string>()
  #added: string[] = []
  #waiting: (() => void)[] = []
  #isLoaded = false
  /** There is no file yet, or its end is not known to be whole: then it is written anew. */
  #isBroken = true
  #history = 0
  #file: FileHandle | undefined
  #saving: NodeJS.Immediate | NodeJS.Timeout | true | undefined
  #isClosed = false
  #problem: Problem | undefined

  constructor(path: string) {
    this.#path = path
  }

  get problem(): Problem | undefined {
    return this.#problem
  }

  /** @throws VivariumError kind `malformed` when the file is not ours, `denied` or `io` when it cannot be read. */
  load(): unknown {
    if (!this.#isLoaded) this.#read()
    this.#isLoaded = true
    return [...this.#lines.values()].map((line) => JSON.parse(line) as unknown)
  }

  put(record: LeaseRecord): void {
    const line = JSON.stringify(record)
    this.#lines.set(record.address, line)
    this.#add(line)
  }

  remove(address: string): void {
    if (this.#lines.delete(address)) this.#add(JSON.stringify({ address, removed: true }))
  }

  whenSaved(action: () => void): void {
    const isSaved = this.#added.length === 0 && this.#saving === undefined
    // While nothing can be saved nobody is kept waiting for it.
    if (isSaved || this.#problem !== undefined || this.#isClosed) action()
    else this.#waiting.push(action)
  }

  close(): void {
    const isSaved = this.#added.length === 0 && this.#saving === undefined
    this.#isClosed = true
    if (!isSaved) this.#rewrite()
    void this.#file?.close()
    this.#file = undefined
  }

  #add(line: string): void {
    this.#added.push(line)
    this.#saving ??= setImmediate(() => void this.#save())
  }

  async #save(): Promise<void> {
    this.#saving = true
    const [lines, waiting] = [this.#added, this.#waiting]
    this.#added = []
    this.#waiting = []
    this.#history += lines.length
    if (this.#isBroken || this.#history > Math.max(HISTORY_LINES, 3 * this.#lines.size)) this.#rewrite()
    else await this.#append(lines)
    this.#saving = undefined
    for (const action of waiting) action()
    if (this.#isClosed) return
    if (this.#problem !== undefined) this.#saving = setTimeout(() => void this.#save(), RETRY_MS).unref()
    else if (this.#added.length > 0) this.#saving ??= setImmediate(() => void this.#save())
  }

  async #append(lines: readonly string[]): Promise<void> {
    try {
      this.#file ??= await open(this.#path, 'a', 0o600)
      await this.#file.appendFile(lines.map((line) => `${line}\n`).join(''))
      await this.#file.datasync()
    } catch (error) {
      if (!this.#isClosed) this.#fail(error)
    }
  }

  #rewrite(): void {
    try {
      writeFileAtomically(this.#path, `${[HEADER, ...this.#lines.values()].join('\n')}\n`)
      void this.#file?.close()
      this.#file = undefined
      this.#history = 0
      this.#isBroken = false
      this.#problem = undefined
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#isBroken = true
    this.#problem = problemFrom(systemError(error, this.#path), 'warning')
  }

  #read(): void {
    let text: string
    try {
      text = readFileSync(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw systemError(error, this.#path)
    }
    // As it was before it became a journal: one document.
    const whole = parse(text)?.leases
    if (Array.isArray(whole)) {
      for (const lease of whole) this.#lines.set(String(lease?.address), JSON.stringify(lease))
      return
    }
    const lines = text.split('\n')
    const documents = lines.map(parse)
    if (documents[0]?.leases !== 1) throw this.#malformed()
    // After the last line's end there is nothing; what a power failure leaves there is not a line of ours.
    const isWhole = lines.at(-1) === ''
    const end = isWhole || documents.at(-1) === undefined ? documents.length - 1 : documents.length
    for (const [index, document] of documents.slice(1, end).entries()) {
      if (typeof document?.address !== 'string') throw this.#malformed()
      if (document.removed === true) this.#lines.delete(document.address)
      else this.#lines.set(document.address, lines[index + 1]!)
    }
    this.#history = documents.length - this.#lines.size
    this.#isBroken = !isWhole
  }

  #malformed(): VivariumError {
    return new VivariumError('malformed', 'lease-file-malformed', 'It is not a file of DHCP leases.', {
      where: { path: this.#path },
      next: 'Move it away; the guests then get new leases.',
    })
  }
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
