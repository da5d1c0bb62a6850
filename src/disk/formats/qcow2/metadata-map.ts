/**
 * The clusters that hold tables. Guest data is never written there, whatever a damaged or forged table says: a
 * guest could otherwise rewrite the header under its own disk.
 */
export class MetadataMap {
  /** What was there at the opening: there may be millions, so in one sorted array. */
  readonly #sorted: Float64Array
  readonly #added = new Set<number>()
  readonly #removed = new Set<number>()

  constructor(clusters: readonly number[]) {
    this.#sorted = Float64Array.from(clusters).sort()
  }

  /** A cluster that two tables claim. */
  doubled(): number | undefined {
    const at = this.#sorted.findIndex((cluster, index) => index > 0 && cluster === this.#sorted[index - 1])
    return at < 0 ? undefined : this.#sorted[at]
  }

  has(cluster: number): boolean {
    if (this.#added.has(cluster)) return true
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#sorted[middle]! < cluster) low = middle + 1
      else high = middle
    }
    return this.#sorted[low] === cluster && !this.#removed.has(cluster)
  }

  add(cluster: number): void {
    this.#added.add(cluster)
  }

  delete(cluster: number): void {
    this.#added.delete(cluster)
    this.#removed.add(cluster)
  }
}
