/** So many at a time; who comes later waits, and gets a turn in the order of coming. */
export class Turns {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(most: number) {
    this.#free = most
  }

  /** @returns Whether it has to wait, and its turn, which ends with the function that it resolves with. */
  take(signal: AbortSignal): { readonly waits: boolean; readonly begun: Promise<() => void> } {
    if (this.#free > 0) {
      this.#free--
      return { waits: false, begun: Promise.resolve(this.#end()) }
    }
    const { promise, resolve, reject } = Promise.withResolvers<() => void>()
    const begin = () => {
      signal.removeEventListener('abort', giveUp)
      resolve(this.#end())
    }
    const giveUp = () => {
      this.#waiting.delete(begin)
      reject(signal.reason)
    }
    this.#waiting.add(begin)
    signal.addEventListener('abort', giveUp, { once: true })
    return { waits: true, begun: promise }
  }

  /** Ends one turn, once: the next in line takes it over. */
  #end(): () => void {
    let ended = false
    return () => {
      if (ended) return
      ended = true
      const [next] = this.#waiting
      if (next === undefined) this.#free++
      else {
        this.#waiting.delete(next)
        next()
      }
    }
  }
}
