/**
 * Runs that wait for one station, apart for each port that they came from, and taken in turns (deficit round robin in
 * short; Shreedhar and Varghese, 1995). Each source may fill as much as is still free, so that one that floods leaves
 * half of the queue to the next that comes (dynamic thresholds; Choudhury and Hahne, 1998).
 */
export class FairQueue {
  readonly #limitBytes: number
  readonly #sources = new Map<number, { runs: Uint8Array[]; bytes: number }>()
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** False: there is no room for it. */
  offer(run: Uint8Array, source: number): boolean {
    const waiting = this.#sources.get(source)
    const own = (waiting?.bytes ?? 0) + run.length
    if (own > this.#limitBytes - this.#bytes) return false
    this.#bytes += run.length
    if (waiting === undefined) this.#sources.set(source, { runs: [run], bytes: own })
    else {
      waiting.runs.push(run)
      waiting.bytes = own
    }
    return true
  }

  /** Some runs of the source whose turn it is, `quantum` bytes or one run more; none when it is empty. */
  take(quantum: number): readonly Uint8Array[] {
    for (const [source, waiting] of this.#sources) {
      let bytes = 0
      let count = 0
      while (count < waiting.runs.length && bytes < quantum) bytes += waiting.runs[count++]!.length
      this.#bytes -= bytes
      this.#sources.delete(source)
      if (count === waiting.runs.length) return waiting.runs
      const taken = waiting.runs.splice(0, count)
      waiting.bytes -= bytes
      this.#sources.set(source, waiting)
      return taken
    }
    return []
  }

  clear(): void {
    this.#sources.clear()
    this.#bytes = 0
  }
}
