import { type FileHandle, open } from 'node:fs/promises'
import { type Problem, problemFrom } from '../../base/index.ts'
import type { Journal } from '../../network/index.ts'
import { systemError, writeFileAtomically } from '../../system/index.ts'
import { headerOf, type JournalForm, lineOf, readJournal } from './journal-text.ts'

/**
 * A journal in a file (its form is in journal-text.ts).
 *
 * A guest hears of what it was given when that is on disk (RFC 2131, 3.1, step 4; RFC 2136, 3.5). What comes while a
 * write is under way goes out with the next one, the newest of each key alone, so thousands of guests cost few writes,
 * and the switch moves frames meanwhile. When most of the file is history it is written anew, whole: old or new. A
 * file that cannot be written is a problem to show, not a reason to stop answering guests.
 */

/** Written anew when so much, and three times what counts, is history. */
const HISTORY_BYTES = 128 * 1024
/** After a save that failed. */
const RETRY_MS = 10_000
/** Keys that may wait for a write; with more, the file is written anew instead. */
const MAXIMUM_CHANGES = 16_384
/** Who waits for a write; more are not called back. */
const MAXIMUM_WAITING = 4096

export class JournalFile<Entry> implements Journal<Entry> {
  readonly #path: string
  readonly #form: JournalForm
  /** The newest document of every key. */
  readonly #live = new Map<string, string>()
  #liveBytes = 0
  #changes = new Map<string, string>()
  #waiting: (() => void)[] = []
  #isLoaded = false
  /** There is no file yet, or it is not known to be whole: then it is written anew. */
  #isBroken = true
  #historyBytes = 0
  #file: FileHandle | undefined
  #saving: NodeJS.Immediate | NodeJS.Timeout | true | undefined
  #isClosed = false
  #problem: Problem | undefined

  constructor(path: string, form: JournalForm) {
    this.#path = path
    this.#form = form
  }

  get problem(): Problem | undefined {
    return this.#problem
  }

  /** @throws VivariumError kind `malformed` when the file is not ours, `denied` or `io` when it cannot be read. */
  load(): unknown {
    if (!this.#isLoaded) this.#read()
    this.#isLoaded = true
    return [...this.#live.values()].map((document) => JSON.parse(document) as unknown)
  }

  put(entry: Entry): void {
    const key = (entry as Readonly<Record<string, string>>)[this.#form.key]!
    const document = JSON.stringify(entry)
    this.#set(key, document)
    this.#change(key, document)
  }

  remove(key: string): void {
    if (!this.#live.has(key)) return
    this.#set(key, undefined)
    this.#change(key, JSON.stringify({ [this.#form.key]: key, removed: true }))
  }

  whenSaved(action: () => void): void {
    // While nothing can be saved nobody is kept waiting for it.
    if (this.#isSaved || this.#problem !== undefined || this.#isClosed) action()
    else if (this.#waiting.length < MAXIMUM_WAITING) this.#waiting.push(action)
  }

  close(): void {
    const isSaved = this.#isSaved
    this.#isClosed = true
    if (!isSaved) this.#rewrite()
    void this.#file?.close()
    this.#file = undefined
  }

  get #isSaved(): boolean {
    return this.#changes.size === 0 && this.#saving === undefined
  }

  #set(key: string, document: string | undefined): void {
    this.#liveBytes += (document?.length ?? 0) - (this.#live.get(key)?.length ?? 0)
    if (document === undefined) this.#live.delete(key)
    else this.#live.set(key, document)
  }

  #change(key: string, document: string): void {
    this.#changes.set(key, document)
    if (this.#changes.size > MAXIMUM_CHANGES) {
      this.#changes.clear()
      this.#isBroken = true
    }
    this.#saving ??= setImmediate(() => void this.#save())
  }

  async #save(): Promise<void> {
    this.#saving = true
    const [changes, waiting] = [this.#changes, this.#waiting]
    this.#changes = new Map()
    this.#waiting = []
    const line = lineOf([...changes.values()])
    this.#historyBytes += line.length
    if (this.#isBroken || this.#historyBytes > Math.max(HISTORY_BYTES, 3 * this.#liveBytes)) this.#rewrite()
    else await this.#append(line)
    this.#saving = undefined
    for (const action of waiting) action()
    if (this.#isClosed) return
    if (this.#problem !== undefined) this.#saving = setTimeout(() => void this.#save(), RETRY_MS).unref()
    else if (this.#changes.size > 0 || this.#isBroken) this.#saving ??= setImmediate(() => void this.#save())
    if (this.#isSaved || this.#problem !== undefined) for (const action of this.#waiting.splice(0)) action()
  }

  async #append(line: string): Promise<void> {
    try {
      this.#file ??= await open(this.#path, 'a', 0o600)
      await this.#file.appendFile(line)
      await this.#file.datasync()
    } catch (error) {
      if (!this.#isClosed) this.#fail(error)
    }
  }

  #rewrite(): void {
    try {
      writeFileAtomically(this.#path, `${[headerOf(this.#form), ...this.#live.values()].join('\n')}\n`)
      void this.#file?.close()
      this.#file = undefined
      this.#historyBytes = 0
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
    const found = readJournal(this.#path, this.#form)
    if (found === undefined) return
    for (const [key, document] of found.live) this.#set(key, document)
    this.#historyBytes = found.bytes - this.#liveBytes
    this.#isBroken = !found.isWhole
  }
}
