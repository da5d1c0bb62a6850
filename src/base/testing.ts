/**
 * How many random cases a test tries: a few in the developer's loop (`npm run check`), many before a landing
 * (`npm test`, which sets VIVARIUM_THOROUGH), VIVARIUM_CASES times as many when they are hunted for.
 */
export function cases(quick: number, thorough: number): number {
  const usual = process.env.VIVARIUM_THOROUGH === undefined ? quick : thorough
  return usual * Number(process.env.VIVARIUM_CASES ?? 1)
}
