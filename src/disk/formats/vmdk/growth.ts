import { type ByteStore, isZero, MiB, VivariumError } from '../../../base/index.ts'
import { baseNameOf } from '../../chain.ts'
import { requireLarger } from '../../expand.ts'
import { SECTOR, type Surroundings } from '../../format.ts'
import type { ImageGrowth, LaidFile } from '../../layout.ts'
import { quoted } from '../../next-steps.ts'
import { emptySource } from '../../source.ts'
import { requireDistinct, requireKnownTypes } from './described.ts'
import { type Descriptor, type ExtentLine, MAX_EXTENTS, parseDescriptor } from './descriptor.ts'
import { editDescriptor, nameOfNext } from './descriptor-edit.ts'
import { descriptorBytesOf } from './extent-files.ts'
import { openFlatExtent } from './flat-extent.ts'
import { growSparseExtent, requireGrowableSparse } from './grow-sparse.ts'
import { descriptorFile } from './layout.ts'
import { geometryFor, SPLIT_SECTORS } from './new-disk.ts'
import { GRAIN_SECTORS, sparseFile } from './sparse-layout.ts'

/** How many sectors the last extent has then, and those that come behind it. */
interface Plan {
  readonly last: ExtentLine & { readonly name: string }
  readonly sectors: number
  readonly added: readonly number[]
}

/**
 * Makes a disk of several files larger: its last extent up to 2047 MiB, then new ones, and the descriptor, which goes
 * last: an extent may have more than the descriptor says of it. A monolithic flat disk has one extent of any length.
 * @throws VivariumError kind `invalid`, `unsupported`, `corrupt`; what opening the last extent throws.
 */
export function growVmdk(
  store: ByteStore,
  { sizeBytes, name }: { readonly sizeBytes: number; readonly name: string },
  surroundings?: Surroundings,
): ImageGrowth | undefined {
  const bytes = descriptorBytesOf(store)
  if (bytes === undefined) return undefined
  const descriptor = parseDescriptor(bytes, store.name)
  requireKnownTypes(store, descriptor)
  const plan = planGrowth(store, descriptor, sizeBytes)
  const { last, sectors, added } = plan
  const openLast = (writable: boolean) => {
    const file = surroundings?.openSibling?.(last.name, writable)
    if (file === undefined) throw cannotGrow(store, 'Its other files cannot be reached here.')
    return file
  }
  using(openLast(false), (file) => requireGrowable(file, last, sectors))
  const geometry = geometryFor(sizeBytes / SECTOR, descriptor.database.get('adaptertype') ?? 'ide')
  return {
    files: [...newFiles(plan), descriptorFile(name, editDescriptor(bytes, { sectors, added, geometry }))],
    growLast: () => using(openLast(true), (file) => grow(file, last, sectors)),
  }
}

function planGrowth(store: ByteStore, descriptor: Descriptor, sizeBytes: number): Plan {
  const { extents, createType } = descriptor
  requireDistinct(store, extents)
  const before = extents.reduce((sum, { sectors }) => sum + sectors, 0)
  requireLarger(store, before * SECTOR, sizeBytes)
  const last = extents.at(-1)!
  const { name, type, access } = last
  if (name === undefined || type === 'ZERO' || access !== 'RW' || last.sectors === 0)
    throw cannotGrow(store, 'Its last extent can only be read.')
  if (extents.some((other) => other !== last && other.name?.toLowerCase() === name.toLowerCase()))
    throw cannotGrow(store, 'Two of its extents lie in one file.')
  const limit =
    type === 'SPARSE' || /^twoGb/i.test(createType)
      ? Math.max(SPLIT_SECTORS, Math.ceil(last.sectors / GRAIN_SECTORS) * GRAIN_SECTORS)
      : Number.POSITIVE_INFINITY
  const wanted = last.sectors + sizeBytes / SECTOR - before
  const sectors = Math.min(limit, wanted)
  const count = Math.ceil((wanted - sectors) / SPLIT_SECTORS)
  if (extents.length + count > MAX_EXTENTS || wanted > 2 ** 43) throw tooLarge(store)
  if (count > 0 && nameOfNext(name, 1) === undefined)
    throw cannotGrow(store, `The name of its last extent, "${name}", has no number that could go on.`)
  const taken = new Set(extents.map((other) => other.name?.toLowerCase()))
  for (let by = 1; by <= count; by++)
    if (taken.has(nameOfNext(name, by)!.toLowerCase()))
      throw cannotGrow(store, `The file "${nameOfNext(name, by)}" would follow, and it has that already.`)
  const added = Array.from({ length: count }, (_, index) =>
    Math.min(SPLIT_SECTORS, wanted - sectors - index * SPLIT_SECTORS),
  )
  return { last: { ...last, name }, sectors, added }
}

function* newFiles({ last, added }: Plan): Generator<LaidFile> {
  for (const [index, sectors] of added.entries()) {
    const name = baseNameOf(nameOfNext(last.name, index + 1)!)!
    const sizeBytes = sectors * SECTOR
    if (last.type === 'SPARSE')
      yield sparseFile(emptySource(sizeBytes), { name, firstSector: 0, sectors, hasParent: false })
    else
      yield {
        name,
        sizeBytes,
        *segments() {
          yield { kind: 'zero', length: sizeBytes }
        },
      }
  }
}

function requireGrowable(file: ByteStore, last: ExtentLine, sectors: number): void {
  if (last.type === 'SPARSE') {
    requireGrowableSparse(file, last.sectors, sectors)
    return
  }
  openFlatExtent(file, last, true)
  if (storesBehind(file, (last.offset + last.sectors) * SECTOR))
    throw cannotGrow(file, 'The file of its last extent holds something behind its end.')
}

const PIECE_BYTES = MiB

function storesBehind(file: ByteStore, from: number): boolean {
  const end = file.size()
  const piece = new Uint8Array(PIECE_BYTES)
  for (let at = file.nextData?.(from) ?? from; at < end; ) {
    const part = piece.subarray(0, Math.min(PIECE_BYTES, end - at))
    file.read(at, part)
    if (!isZero(part)) return true
    at += part.length
    at = at < end ? (file.nextData?.(at) ?? at) : at
  }
  return false
}

function grow(file: ByteStore, last: ExtentLine, sectors: number): void {
  if (last.type === 'SPARSE') {
    growSparseExtent(file, last.sectors, sectors)
    return
  }
  const end = (last.offset + sectors) * SECTOR
  if (file.size() < end) file.truncate(end)
  file.flush()
}

function using(file: ByteStore, work: (file: ByteStore) => void): void {
  try {
    work(file)
  } finally {
    file.close()
  }
}

function cannotGrow({ name: path }: ByteStore, message: string): VivariumError {
  return new VivariumError('unsupported', 'vmdk-extent-cannot-grow', message, {
    where: { path, field: 'extents' },
    next: `Convert it to a new image, and expand that: vivarium disk convert ${quoted(path)} NEW`,
  })
}

function tooLarge({ name: path }: ByteStore): VivariumError {
  return new VivariumError('invalid', 'vmdk-size-invalid', 'So many extents cannot stand in a descriptor.', {
    where: { path, field: 'size' },
    next: 'Choose a smaller size.',
  })
}
