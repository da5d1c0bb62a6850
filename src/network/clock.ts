/** Time as a network and its services see it: given to them, so that a test tells a story by a clock of its own. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Runs the action once, unless the returned function was called before. A clock keeps no program alive. */
  readonly after: (milliseconds: number, action: () => void) => () => void
}

export const systemClock: Clock = {
  now: Date.now,
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
