import { debian } from './debian/index.ts'
import { hello } from './hello/index.ts'
import type { Sample } from './sample.ts'

export {
  buildDebian,
  type DebianOptions,
  obstacles as obstaclesToDebian,
  recipeHash,
} from './debian/index.ts'
export { buildHello } from './hello/index.ts'
export { SAMPLE_NETWORK } from './machine-folder.ts'
export * from './sample.ts'

/** Every sample there is. */
export const samples: readonly Sample[] = [hello, debian]
