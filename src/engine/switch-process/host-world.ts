import type { ServiceWorld } from '../../network/index.ts'
import { openBootFile } from './boot-files.ts'
import { askResolver, hostResolvers } from './resolver.ts'

/** The host's world, as the services of its networks reach it. */
export const HOST_WORLD: ServiceWorld = { askResolver, hostResolvers, openBootFile }
