import { asciiOf, decodeUtf16, viewOf } from '../../base/index.ts'
import { type FileSystem, type Volume, withLabel } from './volume.ts'

/** exFAT (Microsoft's specification 1.00): the label is the entry of type 83 in the root folder. */
const VOLUME_LABEL_ENTRY = 0x83
const MAX_ROOT_BYTES = 64 << 10

export function recogniseExfat(volume: Volume): FileSystem | undefined {
  const boot = volume.bytes(0, 512)
  if (boot === undefined || asciiOf(boot.subarray(3, 11)) !== 'EXFAT   ') return undefined
  const view = viewOf(boot)
  const sectorShift = boot[108]!
  const clusterShift = boot[109]!
  if (sectorShift > 12 || sectorShift + clusterShift > 25) return { kind: 'exFAT' }
  const clusterBytes = 2 ** (sectorShift + clusterShift)
  const heap = view.getUint32(88, true) * 2 ** sectorShift
  const root = volume.bytes(
    heap + (view.getUint32(96, true) - 2) * clusterBytes,
    Math.min(clusterBytes, MAX_ROOT_BYTES),
  )
  for (let at = 0; root !== undefined && at + 32 <= root.length && root[at] !== 0; at += 32) {
    if (root[at] !== VOLUME_LABEL_ENTRY) continue
    const characters = Math.min(root[at + 1]!, 11)
    return withLabel('exFAT', decodeUtf16(root.subarray(at + 2, at + 2 + characters * 2), 'le'))
  }
  return { kind: 'exFAT' }
}
