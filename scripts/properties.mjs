// Loaded before the unit tests: says for all of them how fast-check draws its random cases.
//   VIVARIUM_SEED=7    the same cases every time, as in CI, where an unrelated change must not meet a new one
//   VIVARIUM_CASES=20  twenty times as many, to look for what the usual number does not find
import fc from 'fast-check'

const { VIVARIUM_SEED, VIVARIUM_CASES = '1' } = process.env
const USUAL_CASES = 100

fc.configureGlobal({
  numRuns: USUAL_CASES * Number(VIVARIUM_CASES),
  ...(VIVARIUM_SEED === undefined ? {} : { seed: Number(VIVARIUM_SEED) }),
})
