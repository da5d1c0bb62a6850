import type { Engine } from '../engine.ts'
import { qemuEngine } from './qemu/index.ts'
import { v86Engine } from './v86/index.ts'

/** Every engine there is. */
export const engines: readonly Engine[] = [qemuEngine, v86Engine]
