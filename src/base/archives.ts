import { asciiOf } from './bytes.ts'

/** Files that hold others, packed: images and machines often travel so, and have to be unpacked first. */
const ARCHIVES: readonly (readonly [magic: string, offset: number, what: string])[] = [
  ['PK\x03\x04', 0, 'a ZIP archive'],
  ['7z\xbc\xaf\x27\x1c', 0, 'a 7-Zip archive'],
  ['MSCF\0\0\0\0', 0, 'a cabinet archive'],
  ['Rar!\x1a\x07', 0, 'a RAR archive'],
  ['\x1f\x8b\x08', 0, 'a file packed with gzip'],
  // "BZh" and a digit come first; this is the number pi, in BCD.
  ['1AY&SY', 4, 'a file packed with bzip2'],
  ['\xfd7zXZ\0', 0, 'a file packed with xz'],
  ['\x28\xb5\x2f\xfd', 0, 'a file packed with zstd'],
  ['LZIP\x01', 0, 'a file packed with lzip'],
]

/** Bytes of a file's head that `archiveOf` wants to see. */
export const ARCHIVE_HEAD_BYTES = 16

/** "a ZIP archive", "a file packed with bzip2"; undefined when it is none that is known. */
export function archiveOf(head: Uint8Array): string | undefined {
  const text = asciiOf(head.subarray(0, ARCHIVE_HEAD_BYTES))
  return ARCHIVES.find(([magic, offset]) => text.startsWith(magic, offset))?.[2]
}
