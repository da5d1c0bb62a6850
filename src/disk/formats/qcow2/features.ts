import { type ByteStore, type Problem, plural, VivariumError } from '../../../base/index.ts'
import { nextRepair } from '../../next-steps.ts'
import type { FeatureName } from './extensions.ts'
import type { Header } from './header.ts'

/** Incompatible features: whoever does not know one must not open the image (specification, bytes 72 to 79). */
const DIRTY = 1n << 0n
const CORRUPT = 1n << 1n
const EXTERNAL_DATA = 1n << 2n
const COMPRESSION_TYPE = 1n << 3n
const EXTENDED_L2 = 1n << 4n
const KNOWN = DIRTY | CORRUPT | EXTERNAL_DATA | COMPRESSION_TYPE | EXTENDED_L2

/** The bitmaps are true of the data (specification, bytes 88 to 95). Whoever does not keep them so clears it. */
const BITMAPS_VALID = 1n << 0n

const ENCRYPTION: Readonly<Record<number, string>> = { 1: 'AES', 2: 'LUKS' }

/** @throws VivariumError kind `unsupported` for what would be read wrong. */
export function requireReadable(
  store: ByteStore,
  header: Header,
  featureNames: readonly FeatureName[],
): void {
  const refuse = (code: string, field: string, message: string): never => {
    throw new VivariumError('unsupported', code, message, {
      where: { path: store.name, field },
      next: 'Convert it to a plain QCOW2 with the program that made it: qemu-img convert -O qcow2.',
    })
  }
  const { incompatible, cryptMethod } = header
  if (cryptMethod !== 0)
    refuse(
      'qcow2-encrypted',
      'crypt method',
      `The image is encrypted (${ENCRYPTION[cryptMethod] ?? `method ${cryptMethod}`}).`,
    )
  const unknown = incompatible & ~KNOWN
  if (unknown !== 0n)
    refuse(
      'qcow2-feature-unknown',
      'incompatible features',
      `The image needs features that are not known here: ${namesOf(unknown, featureNames)}.`,
    )
  if ((incompatible & EXTERNAL_DATA) !== 0n)
    refuse('qcow2-external-data', 'incompatible features', 'The image keeps its data in another file.')
  if ((incompatible & EXTENDED_L2) !== 0n)
    refuse('qcow2-extended-l2', 'incompatible features', 'The image has extended L2 entries (subclusters).')
}

function namesOf(bits: bigint, names: readonly FeatureName[]): string {
  const found: string[] = []
  for (let bit = 0; bit < 64; bit++) {
    if ((bits & (1n << BigInt(bit))) === 0n) continue
    const name = names.find((entry) => entry.type === 0 && entry.bit === bit)?.name
    found.push(name === undefined ? `bit ${bit}` : `"${name}" (bit ${bit})`)
  }
  return found.join(', ')
}

/** What keeps an image from being written to; it can be read. */
export function writingProblems(store: ByteStore, { incompatible }: Header): Problem[] {
  const where = { path: store.name, field: 'incompatible features' }
  const problems: Problem[] = []
  if ((incompatible & CORRUPT) !== 0n) {
    problems.push({
      code: 'qcow2-marked-corrupt',
      severity: 'error',
      message: 'The program that wrote the image last found it damaged and marked it so.',
      next: `It can be read. ${nextRepair(store.name)}`,
      where,
    })
  }
  if ((incompatible & DIRTY) !== 0n) {
    problems.push({
      code: 'qcow2-marked-dirty',
      severity: 'warning',
      message: 'The image was not closed by the program that wrote it: its refcounts may be wrong.',
      next: `It can be read. Close the program that may be writing to it. ${nextRepair(store.name)}`,
      where,
    })
  }
  return problems
}

/** Bitmaps that a backup program left, which say what changed since its last run; they are not kept up here. */
export function bitmapNotes(store: ByteStore, bitmaps: number, { autoclear }: Header): Problem[] {
  if (bitmaps === 0) return []
  const valid = (autoclear & BITMAPS_VALID) !== 0n
  return [
    {
      code: 'qcow2-has-bitmaps',
      severity: 'note',
      message: `The image holds ${plural(bitmaps, 'persistent bitmap')}, by which backup programs know what changed${valid ? '' : '; something wrote to it since, and QEMU does not trust them any more'}.`,
      next: valid
        ? 'They are not copied into a new image, and whatever writes to this one here marks them as out of date: make a full backup then.'
        : 'Make a full backup. They can be removed with qemu-img bitmap --remove.',
      where: { path: store.name, field: 'bitmaps' },
    },
  ]
}

/** Undefined = the one that is known here, raw DEFLATE. */
export function foreignCompression({ incompatible, compressionType }: Header): string | undefined {
  if ((incompatible & COMPRESSION_TYPE) === 0n) return undefined
  return compressionType === 1 ? 'zstd' : `type ${compressionType}`
}
