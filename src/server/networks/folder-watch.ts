import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'

/** An editor writes, moves and touches in one go. */
const SETTLE_MS = 300
/** A folder that cannot be watched is looked at all the same. */
const LOOK_MS = 10_000

/** Calls back when files may have changed, and again until nothing is unsettled. */
export class FolderWatch {
  readonly #look: () => boolean
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #patrol: NodeJS.Timeout
  #timer: NodeJS.Timeout | undefined

  /** @param look whether another is needed soon */
  constructor(look: () => boolean) {
    this.#look = look
    this.#patrol = setInterval(() => this.#soon(), LOOK_MS).unref()
  }

  /** The folders of these files, and no others. */
  follow(paths: readonly string[]): void {
    const folders = new Set(paths.map(dirname))
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#watch(folder)
  }

  close(): void {
    clearInterval(this.#patrol)
    clearTimeout(this.#timer)
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#soon())
      watcher.on('error', () => {
        watcher.close()
        this.#watchers.delete(folder)
      })
      this.#watchers.set(folder, watcher)
    } catch {
      // It is gone, or there are too many watches: the patrol looks.
    }
  }

  #soon(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (this.#look()) this.#soon()
    }, SETTLE_MS).unref()
  }
}
