import { type ByteStore, viewOf } from '../../../base/index.ts'
import { corrupt } from './damage.ts'

/**
 * Header extensions (QCOW2 specification, "Header extensions"): type, length, data, filled up to eight bytes; they
 * follow the header and end with type 0. Those we do not know may be ignored.
 */
const END = 0
const BACKING_FORMAT = 0xe279_2aca
const FEATURE_NAMES = 0x6803_f857
const BITMAPS = 0x2385_2875
const FEATURE_NAME_BYTES = 48

export interface FeatureName {
  /** 0 incompatible, 1 compatible, 2 autoclear. */
  readonly type: number
  readonly bit: number
  readonly name: string
}

export interface Extensions {
  /** As QEMU names it: `raw`, `qcow2`, `vpc`. */
  readonly backingFormat?: string
  readonly featureNames: readonly FeatureName[]
  readonly hasBitmaps: boolean
  /** Persistent bitmaps that the header counts. */
  readonly bitmaps: number
}

/** @param bytes The first cluster, up to where other things begin. */
export function parseExtensions(store: ByteStore, bytes: Uint8Array, start: number): Extensions {
  const view = viewOf(bytes)
  let backingFormat: string | undefined
  let featureNames: FeatureName[] = []
  let hasBitmaps = false
  let bitmaps = 0
  for (let at = start; at + 8 <= bytes.length; ) {
    const type = view.getUint32(at)
    const length = view.getUint32(at + 4)
    if (type === END) break
    if (at + 8 + length > bytes.length) {
      throw corrupt(
        store,
        'qcow2-extension-damaged',
        `A header extension of ${length} bytes does not fit before byte ${bytes.length}.`,
        { offset: at, field: 'header extension' },
      )
    }
    const data = bytes.subarray(at + 8, at + 8 + length)
    if (type === BACKING_FORMAT) backingFormat = new TextDecoder().decode(data)
    if (type === FEATURE_NAMES) featureNames = parseFeatureNames(data)
    if (type === BITMAPS) {
      hasBitmaps = true
      // "Bitmaps extension": the first of its fields is how many there are.
      bitmaps = length >= 4 ? viewOf(data).getUint32(0) : 0
    }
    at += 8 + Math.ceil(length / 8) * 8
  }
  return { ...(backingFormat !== undefined && { backingFormat }), featureNames, hasBitmaps, bitmaps }
}

function parseFeatureNames(data: Uint8Array): FeatureName[] {
  const names: FeatureName[] = []
  for (let at = 0; at + FEATURE_NAME_BYTES <= data.length; at += FEATURE_NAME_BYTES) {
    const text = new TextDecoder().decode(data.subarray(at + 2, at + FEATURE_NAME_BYTES))
    names.push({ type: data[at]!, bit: data[at + 1]!, name: text.split('\0')[0]! })
  }
  return names
}

/** The extension area of a new image: the backing format where there is one, and the end. */
export function formatExtensions(backingFormat: string | undefined): Uint8Array<ArrayBuffer> {
  if (backingFormat === undefined) return new Uint8Array(8)
  const text = new TextEncoder().encode(backingFormat)
  const bytes = new Uint8Array(8 + Math.ceil(text.length / 8) * 8 + 8)
  const view = viewOf(bytes)
  view.setUint32(0, BACKING_FORMAT)
  view.setUint32(4, text.length)
  bytes.set(text, 8)
  return bytes
}
