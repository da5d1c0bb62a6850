import type { FatLayout } from './fat.ts'

/** Clusters count from 2; entries 0 and 1 hold the media byte and how the volume was left. */
export const FIRST_CLUSTER = 2

export function fatEntryBits(kind: FatLayout['kind']): number {
  return { FAT12: 12, FAT16: 16, FAT32: 32 }[kind]
}

/** @param index Counts from the table's first byte; of FAT12 it begins at an even entry. */
export function fatEntryOf(table: Uint8Array, kind: FatLayout['kind'], index: number): number {
  if (kind === 'FAT16') return table[index * 2]! | (table[index * 2 + 1]! << 8)
  if (kind === 'FAT32') {
    const at = index * 4
    // The upper four bits are reserved and mean nothing.
    return table[at]! | (table[at + 1]! << 8) | (table[at + 2]! << 16) | ((table[at + 3]! & 0x0f) << 24)
  }
  const at = (index >> 1) * 3
  return (index & 1) === 0
    ? table[at]! | ((table[at + 1]! & 0x0f) << 8)
    : (table[at + 1]! >> 4) | (table[at + 2]! << 4)
}
