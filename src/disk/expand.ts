import { type ByteStore, formatSize, plural, VivariumError } from '../base/index.ts'
import { SECTOR } from './format.ts'

/** @throws VivariumError kind `invalid` unless a disk can grow from the one size to the other. */
export function requireLarger(store: ByteStore, from: number, to: number, sector = SECTOR): void {
  const where = { path: store.name, field: 'size' }
  if (!Number.isSafeInteger(to) || to <= 0 || to % sector !== 0)
    throw new VivariumError('invalid', 'disk-size-invalid', `The disk cannot have ${plural(to, 'byte')}.`, {
      where,
      next: `Choose a positive multiple of ${sector} bytes.`,
    })
  if (to >= from) return
  throw new VivariumError(
    'invalid',
    'disk-expand-smaller',
    `The disk has ${formatSize(from)} and would have ${formatSize(to)}: it can only become larger.`,
    { where, next: 'A smaller disk is made by converting, once its partitions end before the new size.' },
  )
}

const ZEROES = new Uint8Array(1 << 20)

/** Zeroes within a file. */
export function writeZeroes(store: ByteStore, at: number, length: number): void {
  for (let done = 0; done < length; done += ZEROES.length)
    store.write(at + done, ZEROES.subarray(0, Math.min(ZEROES.length, length - done)))
}
