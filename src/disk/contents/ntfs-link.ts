import { asciiOf } from '../../base/index.ts'
import { ntfsFileBytes } from './ntfs-file.ts'
import type { Volume } from './volume.ts'

/**
 * Symbolic links of Interix (Services for UNIX), which ntfs-3g makes and follows too: a file with the attribute
 * "system" whose content is 8 bytes of a sign and the target in UTF-16. (ntfs-3g, include/ntfs-3g/layout.h, INTX_FILE.)
 */
const SIGN = 'IntxLNK\x01'
/** The longest target that ntfs-3g takes for one. */
const MAX_TARGET_BYTES = 2 * 4096

/** By size alone a file may be one. */
export function maybeInterixLink(sizeBytes: number): boolean {
  return sizeBytes > SIGN.length && sizeBytes <= SIGN.length + MAX_TARGET_BYTES && sizeBytes % 2 === 0
}

/** Undefined when it is none; without a target when nobody can tell where it leads. */
export function ntfsInterixLink(volume: Volume, number: number): { readonly target?: string } | undefined {
  const bytes = ntfsFileBytes(volume, number, SIGN.length + MAX_TARGET_BYTES)
  if (bytes === undefined || asciiOf(bytes.subarray(0, SIGN.length)) !== SIGN) return undefined
  try {
    const decoder = new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true })
    const target = decoder.decode(bytes.subarray(SIGN.length))
    return target === '' || target.includes('\0') ? {} : { target }
  } catch {
    return {}
  }
}
