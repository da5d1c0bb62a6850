import { viewOf } from '../../base/index.ts'
import { INFO, MAXIMUM_PAYLOAD, MINIMUM_BLOCK, PREFERRED_BLOCK } from './constants.ts'

/** "Option reply types", NBD_REP_INFO: what an answer of each kind consists of. */
export function exportInfo(sizeBytes: number, flags: number): Uint8Array {
  const data = new Uint8Array(12)
  const view = viewOf(data)
  view.setUint16(0, INFO.export)
  view.setBigUint64(2, BigInt(sizeBytes))
  view.setUint16(10, flags)
  return data
}

export function infoText(kind: number, text: string): Uint8Array {
  const encoded = new TextEncoder().encode(text)
  const data = new Uint8Array(2 + encoded.length)
  viewOf(data).setUint16(0, kind)
  data.set(encoded, 2)
  return data
}

export function blockSizes(): Uint8Array {
  const data = new Uint8Array(14)
  const view = viewOf(data)
  view.setUint16(0, INFO.blockSize)
  view.setUint32(2, MINIMUM_BLOCK)
  view.setUint32(6, PREFERRED_BLOCK)
  view.setUint32(10, MAXIMUM_PAYLOAD)
  return data
}
