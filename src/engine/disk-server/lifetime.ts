import { isSameProcess, type ProcessIdentity } from '../../system/index.ts'

/** A machine that restarts its engine closes and opens its connections within this time. Milliseconds. */
const GRACE_MS = 5000

/**
 * Whether the disk server is still needed. It lives for one process: first the one that started it, then the
 * machine's, once it has been told which. When that is gone, and nobody has been connected for some seconds, there
 * is nobody left to serve, so a crash of server and machine leaves nothing behind.
 */
export class Lifetime {
  #watched: ProcessIdentity | undefined
  #needed: number

  /** @param now a monotonic time in milliseconds, as everywhere here. */
  constructor(starter: ProcessIdentity | undefined, now: number) {
    this.#watched = starter
    this.#needed = now
  }

  get watchedPid(): number | undefined {
    return this.#watched?.pid
  }

  watch(identity: ProcessIdentity): void {
    this.#watched = identity
  }

  /** True when it is time to go. */
  isOver(now: number, connections: number): boolean {
    if (connections > 0 || (this.#watched !== undefined && isSameProcess(this.#watched))) this.#needed = now
    return now - this.#needed >= GRACE_MS
  }
}
