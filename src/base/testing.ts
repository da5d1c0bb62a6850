/**
 * How many random cases a test tries: a few in the developer's loop (`npm run check`), many before a landing
 * (`npm test`, which sets VIVARIUM_THOROUGH).
 */
export function cases(quick: number, thorough: number): number {
  return process.env.VIVARIUM_THOROUGH === undefined ? quick : thorough
}
