/**
 * How many random cases a test tries: a few in the developer's loop (`npm run check`), many before a landing
 * (`npm test`, which sets VIVARIUM_THOROUGH), VIVARIUM_CASES times as many when they are hunted for.
 */
export function cases(quick: number, thorough: number): number {
  const usual = process.env.VIVARIUM_THOROUGH === undefined ? quick : thorough
  return usual * Number(process.env.VIVARIUM_CASES ?? 1)
}

/** The same numbers from 0 to 1 for a seed every time (mulberry32); those of neighbouring seeds are not alike. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The same whole numbers below a limit, which is said at each call. */
export function randomBelow(seed: number): (limit: number) => number {
  const next = randomFrom(seed)
  return (limit) => Math.floor(next() * limit)
}
