/** Percent of one core over the last measured stretch. */
export class Meter {
  percent = 0
  #last: { seconds: number; at: number } | undefined

  /** True when the shown value changed. */
  async measure(cpuSeconds: () => Promise<number>): Promise<boolean> {
    const seconds = await cpuSeconds()
    const at = performance.now()
    const before = this.percent
    if (this.#last !== undefined && at > this.#last.at) {
      const used = Math.max(0, seconds - this.#last.seconds)
      this.percent = Math.round((used / ((at - this.#last.at) / 1000)) * 100)
    }
    this.#last = { seconds, at }
    return this.percent !== before
  }
}
