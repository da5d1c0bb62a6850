import { rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { VivariumError } from '../base/index.ts'
import {
  type Disk,
  openUpperLayers,
  parentOptions,
  type ReadImageOptions,
  type UpperLayers,
} from '../disk/index.ts'
import {
  claimDiskFiles,
  demandFinished,
  factsOfFile,
  imageOptionsFor,
  type MergeMarker,
  openDiskLayers,
  openDiskStore,
  readMergeMarker,
  readOptionsFor,
  removeMergeMarker,
  syncFolder,
  systemError,
  writeMergeMarker,
} from '../system/index.ts'
import { carryDown } from './carry-down.ts'
import { demandRoom, missingRoom } from './merge-room.ts'

export interface MergeOptions {
  /** Which of the layers is written: 1, the default, is the parent; those between are carried down too. */
  readonly into?: number
  /** Called with the part that is done, 0 to 1. */
  readonly onProgress?: (fraction: number) => void
  /** Stops between two pieces; the merge can be run again later. */
  readonly signal?: AbortSignal
  /** Remove the files that were merged once all of them is in the disk below and on stable storage. */
  readonly deleteMerged?: boolean
  /** Called after the removal and before the merge counts as ended: to take the files out of what names them. */
  readonly afterDelete?: () => void
}

/**
 * Commits a differencing or undo disk: writes everything it stores into its parent, or into a disk further below.
 * The child is never changed and covers every place that is written, so it shows the same content at every moment,
 * also after a kill or a power failure; the same merge is then run again. Meanwhile a marker beside the written disk
 * says that it is not whole. Other children of that disk are lost by it: that is for the caller to know.
 * @param layers The files of the child's chain, topmost first.
 * @returns Bytes of the guest's disk that were carried down.
 * @throws VivariumError kind `busy` when a machine uses one of them, `conflict` when another merge into the disk was
 *   begun and not ended, `io` when there is no room; the signal's reason when it stops.
 */
export async function mergeIntoParent(
  layers: readonly string[],
  options: MergeOptions = {},
): Promise<number> {
  const { into = 1 } = options
  if (into < 1 || layers.length <= into) {
    throw new VivariumError('invalid', 'merge-needs-parent', 'Only a disk with a parent can be merged.', {
      where: { ...(layers[0] !== undefined && { path: layers[0] }) },
    })
  }
  const claim = claimDiskFiles(layers.slice(0, into).map((path) => ({ path, mode: 'w' })))
  try {
    for (const path of layers.slice(into + 1)) demandFinished(path)
    return await mergeClaimed(layers, into, options)
  } finally {
    claim.release()
  }
}

async function mergeClaimed(layers: readonly string[], into: number, options: MergeOptions): Promise<number> {
  const target = layers[into]!
  const marker = markerFor(layers, target)
  const begun = readMergeMarker(target)
  const isSame = begun !== undefined && isOfSameChild(begun, marker)
  if (!isSame) demandFinished(target)
  // The whole chain is opened once, so that what is carried down is known to belong there.
  openDiskLayers({ layers, writable: false }, { lock: false }).close()
  const files = new Set(layers.slice(0, into))
  const upper = openUpper(layers.slice(0, into), files)
  let carried = 0
  try {
    if (!(isSame && isMergedAndUnchanged(begun, layers[0]!)))
      carried = await carryInto(upper, layers, into, marker, options)
  } finally {
    upper.close()
  }
  if (options.deleteMerged === true) deleteMerged([...files], target, marker, options.afterDelete)
  else removeMergeMarker(target)
  options.onProgress?.(1)
  return carried
}

function markerFor(layers: readonly string[], target: string): MergeMarker {
  const child = factsOfFile(layers[0]!)
  const { id: targetId } = factsOfFile(target, targetImages(layers, layers.indexOf(target))[0])
  return {
    state: 'merging',
    ...(targetId !== undefined && { targetId }),
    child: layers[0]!,
    ...(child.id !== undefined && { childId: child.id }),
  }
}

/** Known by its id also where it was moved. */
function isOfSameChild(begun: MergeMarker, marker: MergeMarker): boolean {
  return begun.child === marker.child || (begun.childId !== undefined && begun.childId === marker.childId)
}

/** Killed between the end of the writing and the removal of the child: its content must not be written again. */
function isMergedAndUnchanged(begun: MergeMarker, child: string): boolean {
  const { size, mtimeMs } = statSync(child)
  return begun.state === 'merged' && begun.childSize === size && begun.childTime === mtimeMs
}

/** Adds what the layers name (extents of a VMDK) to `files`. */
function openUpper(layers: readonly string[], files: Set<string>): UpperLayers {
  const stores = layers.map((path) => openDiskStore(path, false))
  return openUpperLayers(
    stores,
    layers.map((path) => imageOptionsFor(path, { claim: (sibling) => void files.add(sibling) })),
  )
}

async function carryInto(
  upper: UpperLayers,
  layers: readonly string[],
  into: number,
  marker: MergeMarker,
  options: MergeOptions,
): Promise<number> {
  const path = layers[into]!
  const target = openDiskLayers(
    { layers: layers.slice(into), writable: true },
    { images: targetImages(layers, into), keepId: true, evenIfUnfinished: 'merge' },
  )
  try {
    requireSameSize(upper.sizeBytes, target, layers[0]!)
    demandRoom(upper, target, path)
    const carried = await carryDown(upper, target, {
      begin: () => writeMergeMarker(path, marker),
      onProgress: options.onProgress,
      signal: options.signal,
    })
    target.flush()
    target.close()
    return carried
  } catch (error) {
    const told = missingRoom(error, upper, target, path)
    try {
      target.close()
    } catch {
      // Closing flushes once more, and what stands against that has been told already.
    }
    throw told
  }
}

/** The target is what the file above it says it is, also when it is opened without that one. */
function targetImages(layers: readonly string[], into: number): ReadImageOptions[] {
  const reference = factsOfFile(layers[into - 1]!).parent
  return layers.slice(into).map((path, index) => {
    const options = readOptionsFor(path)
    return index === 0 && reference !== undefined ? parentOptions(reference, options) : options
  })
}

function requireSameSize(sizeBytes: number, target: Disk, child: string): void {
  if (sizeBytes === target.sizeBytes) return
  throw new VivariumError(
    'unsupported',
    'merge-size-mismatch',
    `The child has ${sizeBytes} bytes and the disk below ${target.sizeBytes}: they cannot be merged.`,
    { where: { path: child }, next: 'Merge into a new disk instead, with --out.' },
  )
}

/** The topmost goes first: from then on nothing shows the guest a mixture. */
function deleteMerged(
  files: readonly string[],
  target: string,
  marker: MergeMarker,
  afterDelete: (() => void) | undefined,
): void {
  const { size, mtimeMs } = statSync(files[0]!)
  writeMergeMarker(target, { ...marker, state: 'merged', childSize: size, childTime: mtimeMs })
  for (const file of files) {
    try {
      rmSync(file, { force: true })
    } catch (error) {
      throw systemError(error, file)
    }
  }
  for (const folder of new Set(files.map(dirname))) syncFolder(folder)
  afterDelete?.()
  removeMergeMarker(target)
}
