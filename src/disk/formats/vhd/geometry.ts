import { type Geometry, SECTOR } from '../../format.ts'

/**
 * Cylinders, heads and sectors as Virtual PC computes them (VHD specification, appendix "CHS calculation";
 * equal in six real files). Windows rounds the product DOWN below the size, QEMU makes the disk larger to fit.
 */

/** 65535 x 16 x 255 sectors: the last ones an IDE disk can address by CHS. */
export const MAX_CHS_SECTORS = 65535 * 16 * 255

export function geometryOf(sizeBytes: number): Geometry {
  const sectors = Math.min(Math.floor(sizeBytes / SECTOR), MAX_CHS_SECTORS)
  const [heads, sectorsPerTrack] = headsAndSectors(sectors)
  return { cylinders: Math.floor(sectors / sectorsPerTrack / heads), heads, sectorsPerTrack }
}

function headsAndSectors(sectors: number): readonly [number, number] {
  if (sectors >= 65535 * 16 * 63) return [16, 255]
  const tracks = Math.floor(sectors / 17)
  const heads = Math.max(4, Math.ceil(tracks / 1024))
  if (tracks < heads * 1024 && heads <= 16) return [heads, 17]
  return Math.floor(sectors / 31) < 16 * 1024 ? [16, 31] : [16, 63]
}

export function geometryBytes({ cylinders, heads, sectorsPerTrack }: Geometry): number {
  return cylinders * heads * sectorsPerTrack * SECTOR
}
