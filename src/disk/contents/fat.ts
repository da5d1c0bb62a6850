import { viewOf } from '../../base/index.ts'
import { type FileSystem, type Volume, withLabel } from './volume.ts'

/**
 * FAT12, FAT16, FAT32 (Microsoft's FAT specification 1.03). The kind follows from the number of clusters alone,
 * never from the text in the boot sector. The label is the volume entry of the root folder; the one in the boot
 * sector is only a copy that old systems did not keep up to date.
 */
const VOLUME_ENTRY = 0x08
const LONG_NAME = 0x0f
/** A root folder is looked through up to this size. */
const MAX_ROOT_BYTES = 64 << 10

/** Where the parts of a volume lie; all in bytes from its start, unless the name says otherwise. */
export interface FatLayout {
  readonly kind: 'FAT12' | 'FAT16' | 'FAT32'
  readonly sectorBytes: number
  readonly sectors: number
  readonly fats: number
  readonly fatOffset: number
  /** Bytes of one table. */
  readonly fatBytes: number
  readonly dataOffset: number
  readonly clusterBytes: number
  readonly clusters: number
  /** Only FAT32 keeps its root folder in clusters. */
  readonly rootCluster?: number
  readonly rootOffset: number
  readonly rootBytes: number
  readonly labelOffset: number
}

export function recogniseFat(volume: Volume): FileSystem | undefined {
  const boot = volume.bytes(0, 512)
  const layout = boot && fatLayoutOf(boot)
  if (layout === undefined) return undefined
  return withLabel(layout.kind, rootLabel(volume, layout) ?? bootLabel(boot!, layout))
}

/** Undefined when it is no boot sector of a FAT volume. */
export function fatLayoutOf(boot: Uint8Array): FatLayout | undefined {
  const view = viewOf(boot)
  const sectorBytes = view.getUint16(11, true)
  const clusterSectors = boot[13]!
  const reserved = view.getUint16(14, true)
  const fats = boot[16]!
  const media = boot[21]!
  if (![512, 1024, 2048, 4096].includes(sectorBytes)) return undefined
  if (clusterSectors === 0 || (clusterSectors & (clusterSectors - 1)) !== 0) return undefined
  if (reserved === 0 || fats === 0 || fats > 2 || (media !== 0xf0 && media < 0xf8)) return undefined
  const rootEntries = view.getUint16(17, true)
  const fatSectors = view.getUint16(22, true) || view.getUint32(36, true)
  const sectors = view.getUint16(19, true) || view.getUint32(32, true)
  const rootSectors = Math.ceil((rootEntries * 32) / sectorBytes)
  const dataSector = reserved + fats * fatSectors + rootSectors
  if (fatSectors === 0 || sectors <= dataSector) return undefined
  const clusters = Math.floor((sectors - dataSector) / clusterSectors)
  const dataOffset = dataSector * sectorBytes
  const clusterBytes = clusterSectors * sectorBytes
  const common = {
    sectorBytes,
    sectors,
    fats,
    fatOffset: reserved * sectorBytes,
    fatBytes: fatSectors * sectorBytes,
    dataOffset,
    clusterBytes,
    clusters,
  }
  // FAT32 keeps its root folder in clusters and so has no root entries.
  if (rootEntries === 0) {
    const rootCluster = view.getUint32(44, true)
    return {
      ...common,
      kind: 'FAT32',
      rootCluster,
      rootOffset: dataOffset + (rootCluster - 2) * clusterBytes,
      rootBytes: clusterBytes,
      labelOffset: 71,
    }
  }
  return {
    ...common,
    kind: clusters < 4085 ? 'FAT12' : 'FAT16',
    rootOffset: dataOffset - rootSectors * sectorBytes,
    rootBytes: rootEntries * 32,
    labelOffset: 43,
  }
}

function rootLabel(volume: Volume, { rootOffset, rootBytes }: FatLayout): string | undefined {
  const root = volume.bytes(rootOffset, Math.min(rootBytes, MAX_ROOT_BYTES))
  if (root === undefined) return undefined
  for (let at = 0; at + 32 <= root.length && root[at] !== 0; at += 32) {
    const attributes = root[at + 11]!
    if (root[at] === 0xe5 || attributes === LONG_NAME || (attributes & VOLUME_ENTRY) === 0) continue
    return oemText(root.subarray(at, at + 11))
  }
  return undefined
}

function bootLabel(boot: Uint8Array, { labelOffset }: FatLayout): string {
  // 29 marks a boot sector that has the label field at all.
  if (boot[labelOffset - 5] !== 0x29) return ''
  const label = oemText(boot.subarray(labelOffset, labelOffset + 11))
  return label.trim() === 'NO NAME' ? '' : label
}

function oemText(bytes: Uint8Array): string {
  return new TextDecoder('windows-1252').decode(bytes)
}
