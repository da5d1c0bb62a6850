import { basename } from 'node:path'
import { type ByteStore, formatSize, isZero, type Problem, VivariumError } from '../base/index.ts'
import { openDisk, probeFormat, readImage } from '../disk/index.ts'
import { createFiles, imageOptionsFor, isHostFull } from '../system/index.ts'
import { type Converted, convertOpened } from './convert.ts'
import { requireTarget } from './files.ts'
import { requireContent } from './future-parent.ts'
import type { OperationControl } from './operation.ts'
import { partOf } from './pace.ts'
import type { ImageWish } from './plan-image.ts'

export interface InputConversion extends ImageWish {
  readonly input: AsyncIterable<Uint8Array>
  /** What it is called in errors. */
  readonly inputName: string
  /**
   * Raw when absent, with a warning when it looks like anything else. It does not follow from the looks: who wrote a
   * raw disk could make it look like anything.
   */
  readonly inputFormat?: string | undefined
  /** Bytes that have to come; as many as do when absent. */
  readonly sizeBytes?: number | undefined
  readonly target: string
  readonly verify: boolean
}

/** Zeroes are looked for in pieces of this, and left out of the file. */
const HOLE_BYTES = 64 << 10

/**
 * Makes a disk of a stream. Every layout begins with what the disk holds where, so the stream is put into a hidden file
 * beside the target first, without its zeroes; nothing of it stays.
 * @throws VivariumError kind `io`, code `input-cut-short` or `input-too-long`; what converting throws.
 */
export async function convertInput(spec: InputConversion, control: OperationControl): Promise<Converted> {
  const place = requireTarget(spec.target, control)
  const { folder, target } = place
  const spool = createFiles(folder, [`${basename(target)}.input`])
  try {
    const store: ByteStore = { ...spool.stores[0]!, name: spec.inputName, close: () => undefined }
    await take(spec, { ...store, write: keeping(store, spec, target) }, partOf(control, 0, 0.5))
    requireContent(spec.inputName, store.size())
    if (spec.inputFormat === undefined) for (const note of looksNotes(store)) control.note(note)
    const { inflate } = imageOptionsFor(target).surroundings ?? {}
    const options = { format: spec.inputFormat ?? 'raw', surroundings: { ...(inflate && { inflate }) } }
    const { facts } = readImage(store, options)
    const disk = openDisk(store, options)
    try {
      const source = { disk, facts, layers: [spec.inputName] }
      return await convertOpened(source, spec, place, partOf(control, 0.5, 1))
    } finally {
      disk.close()
    }
  } finally {
    spool.close()
  }
}

/** Where the host has no room for what comes, says how much of it there is. */
function keeping(store: ByteStore, { sizeBytes }: InputConversion, target: string): ByteStore['write'] {
  return (at, bytes) => {
    try {
      store.write(at, bytes)
    } catch (error) {
      if (!isHostFull(error)) throw error
      const rest =
        sizeBytes === undefined ? '' : `, and ${formatSize(sizeBytes - at)} more may come to be kept`
      throw new VivariumError(
        error.kind,
        error.code,
        `${error.message} ${formatSize(at)} had come${rest}; the new image takes room besides.`,
        { where: { path: target }, cause: error, next: 'Free some space, or choose another folder.' },
      )
    }
  }
}

function looksNotes(store: ByteStore): Problem[] {
  const looks = probeFormat(store)
  if (looks === undefined) return []
  return [
    {
      code: 'input-looks-like-an-image',
      severity: 'warning',
      message: `What came looks like ${looks.name.toUpperCase()}, and was taken for a raw disk: a guest would see the image file itself.`,
      next: `If it is such an image, do it again with --from ${looks.name}; else all is well, and --from raw says so.`,
      where: { path: store.name },
    },
  ]
}

async function take(
  { input, inputName, sizeBytes }: InputConversion,
  store: ByteStore,
  { signal, progress }: OperationControl,
): Promise<void> {
  const wrong = (code: string, message: string, next: string) =>
    new VivariumError('io', code, message, { where: { path: inputName }, next })
  let at = 0
  for await (const chunk of input) {
    signal.throwIfAborted()
    if (sizeBytes !== undefined && at + chunk.length > sizeBytes)
      throw wrong('input-too-long', `More than ${sizeBytes} bytes came.`, 'Give the right size, or none.')
    for (let from = 0; from < chunk.length; from += HOLE_BYTES) {
      const piece = chunk.subarray(from, from + HOLE_BYTES)
      if (!isZero(piece)) store.write(at + from, piece)
    }
    at += chunk.length
    if (sizeBytes !== undefined) progress(at / sizeBytes)
  }
  signal.throwIfAborted()
  if (sizeBytes !== undefined && at !== sizeBytes)
    throw wrong('input-cut-short', `${at} of ${sizeBytes} bytes came.`, 'Nothing was made: send it again.')
  store.truncate(at)
}
