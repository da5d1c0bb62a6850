import { asciiOf, decodeUtf16 } from '../../base/index.ts'
import {
  NTFS_ATTRIBUTES,
  NTFS_RECORDS,
  ntfsAttribute,
  ntfsGeometryOf,
  ntfsRecordAt,
  residentContent,
} from './ntfs-volume.ts'
import { type FileSystem, type Volume, withLabel } from './volume.ts'

/** NTFS: the label is an attribute of $Volume. */
export function recogniseNtfs(volume: Volume): FileSystem | undefined {
  const boot = volume.bytes(0, 512)
  if (boot === undefined || asciiOf(boot.subarray(3, 11)) !== 'NTFS    ') return undefined
  return withLabel('NTFS', labelOf(volume, boot) ?? '')
}

function labelOf(volume: Volume, boot: Uint8Array): string | undefined {
  const geometry = ntfsGeometryOf(boot)
  if (geometry === undefined) return undefined
  const { tableOffset, recordBytes } = geometry
  const record = ntfsRecordAt(volume, tableOffset + NTFS_RECORDS.volume * recordBytes, recordBytes)
  const name = record && ntfsAttribute(record, NTFS_ATTRIBUTES.volumeName)
  const content = name && residentContent(name)
  return content && decodeUtf16(content, 'le')
}
