import { asciiOf } from '../../../base/index.ts'
import type { Volume } from '../volume.ts'
import { type AllocationMap, Doubt, demand } from './allocation.ts'

/**
 * A Linux swap space (mm/swapfile.c): one page with its label, and behind it nothing that outlives the guest's
 * running. A guest that sleeps in it (hibernation) has another sign in place of `SWAPSPACE2`.
 */
const PAGE_BYTES = 4096
const SIGN = 'SWAPSPACE2'

export function swapAllocation(volume: Volume): AllocationMap {
  if (asciiOf(demand(volume, PAGE_BYTES - SIGN.length, SIGN.length)) !== SIGN)
    throw new Doubt('file-system-unknown', 'It is a swap space of an old kind.')
  const count = Math.floor(volume.sizeBytes / PAGE_BYTES) - 1
  return {
    unitBytes: PAGE_BYTES,
    start: PAGE_BYTES,
    count,
    *freeRuns(from) {
      if (from < count) yield { first: from, count: count - from }
    },
  }
}
