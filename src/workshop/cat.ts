import { VivariumError } from '../base/index.ts'
import { type Segment, sourceOf } from '../disk/index.ts'
import type { OperationControl } from './operation.ts'
import { openSourceDisk } from './source-disk.ts'
import { streamImage } from './stream-image.ts'

export interface CatSpec {
  readonly source: string
  /** Bytes; the beginning when absent. */
  readonly offset?: number | undefined
  /** Bytes; up to the end when absent. */
  readonly length?: number | undefined
}

/**
 * What the guest sees, byte for byte, or a part of it.
 * @throws VivariumError kind `invalid`, code `range-outside-disk`.
 */
export async function* catDisk(
  { source: path, offset = 0, length }: CatSpec,
  control: OperationControl,
): AsyncGenerator<Uint8Array> {
  const { disk } = openSourceDisk(path, control)
  try {
    const wanted = length ?? disk.sizeBytes - offset
    if (offset + wanted > disk.sizeBytes || wanted < 0)
      throw new VivariumError(
        'invalid',
        'range-outside-disk',
        `The disk has ${disk.sizeBytes} bytes: there are no ${Math.max(wanted, 0)} from byte ${offset} on.`,
        { where: { path }, next: 'Choose a range within it.' },
      )
    if (wanted === 0) return
    const segments = function* (): Generator<Segment> {
      for (const extent of disk.extents(offset, wanted))
        yield extent.kind === 'zero'
          ? { kind: 'zero', length: extent.length }
          : { kind: 'guest', offset: extent.offset, length: extent.length }
    }
    yield* streamImage({ name: path, sizeBytes: wanted, segments }, sourceOf(disk), control)
  } finally {
    disk.close()
  }
}
