import { asciiOf, type ByteStore, isZero } from '../../../base/index.ts'
import { HEADER_BYTES, HEADER_COOKIE } from '../../formats/vhd/header.ts'

/** The bytes of a dynamic header, which may be damaged; undefined where there is none. */
export function headerAt(store: ByteStore, at: number): Uint8Array | undefined {
  if (!(at >= 0 && at + HEADER_BYTES <= store.size())) return undefined
  const bytes = new Uint8Array(HEADER_BYTES)
  store.read(at, bytes)
  return asciiOf(bytes.subarray(0, 8)) === HEADER_COOKIE ? bytes : undefined
}

/** A dynamic disk has no parent to name. */
export function typeOfHeader(header: Uint8Array): 'dynamic' | 'differencing' {
  return isZero(header.subarray(40, 56)) && isZero(header.subarray(64, 66)) ? 'dynamic' : 'differencing'
}
