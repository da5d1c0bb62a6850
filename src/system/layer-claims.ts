import {
  type ClaimOptions,
  claimDiskFile,
  claimDiskFiles,
  type DiskClaim,
  type WantedFile,
} from './disk-locks.ts'

/** What an open disk holds against others; nothing where it is not `wanted`. */
export class LayerClaims {
  readonly wanted: boolean
  readonly #claims: DiskClaim[] = []
  readonly #claimed = new Set<string>()
  readonly #options: ClaimOptions

  constructor(wanted: boolean, options: ClaimOptions = {}) {
    this.wanted = wanted
    this.#options = options
  }

  /** The topmost for writing, and the ones below against writers. */
  claimChain(layers: readonly string[], writable: boolean): void {
    if (!this.wanted) return
    for (const path of layers) this.#claimed.add(path)
    const files = Array.from(this.#claimed, (path, index): WantedFile => {
      return { path, mode: writable && index === 0 ? 'w' : 'r' }
    })
    this.#claims.push(claimDiskFiles(files, this.#options))
  }

  /** Another file that one of the layers names; a descriptor may name one more than once. */
  readonly claimExtent = (path: string, toWrite: boolean): void => {
    if (!this.wanted || this.#claimed.has(path)) return
    this.#claims.push(claimDiskFile(path, toWrite ? 'w' : 'r', this.#options))
    this.#claimed.add(path)
  }

  release(): void {
    for (const claim of this.#claims.splice(0)) claim.release()
  }
}
