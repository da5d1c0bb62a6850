import { asciiOf } from '../../base/index.ts'

/** How 7-Zip calls the file systems that `recogniseFileSystem` knows. What is not here, it cannot read. */
const HANDLERS: Readonly<Record<string, string>> = {
  FAT12: 'FAT',
  FAT16: 'FAT',
  FAT32: 'FAT',
  NTFS: 'NTFS',
  ext2: 'Ext',
  ext3: 'Ext',
  ext4: 'Ext',
  'ISO 9660': 'Iso',
  UDF: 'Udf',
  HFS: 'HFS',
  'HFS+': 'HFS',
  HFSX: 'HFS',
  APFS: 'APFS',
  SquashFS: 'SquashFS',
}

/** Sectors of 2048 bytes behind the 16th that say what the disc is (ECMA-167 2/8.4). */
const DESCRIPTOR_SECTORS = 16

/** What to try, best first: a disc that is both has the better names in UDF. */
export function handlersOf(
  fileSystem: string | undefined,
  read: (offset: number, length: number) => Uint8Array | undefined,
): string[] {
  const handler = handlerOf(fileSystem)
  if (handler === undefined) return []
  if (handler !== 'Iso') return [handler]
  for (let sector = 16; sector < 16 + DESCRIPTOR_SECTORS; sector++) {
    const bytes = read(sector * 2048 + 1, 4)
    if (bytes !== undefined && asciiOf(bytes) === 'NSR0') return ['Udf', 'Iso']
  }
  return ['Iso']
}

export function handlerOf(fileSystem: string | undefined): string | undefined {
  return fileSystem === undefined ? undefined : HANDLERS[fileSystem]
}

/** The folder in which 7-Zip shows what a file system keeps for itself ($MFT, the journal); not the guest's files. */
const INNER_FOLDERS: Readonly<Record<string, string>> = { NTFS: '[SYSTEM]', Ext: '[SYS]' }

export function innerFolderOf(handler: string): string | undefined {
  return INNER_FOLDERS[handler]
}

/** Names that differ only in case are one name. */
export function ignoresCase(handler: string): boolean {
  return ['FAT', 'NTFS', 'HFS', 'Iso', 'APFS'].includes(handler)
}

/** The times are the guest's wall clock, without a zone. */
export function hasLocalTimes(handler: string): boolean {
  return handler === 'FAT'
}
