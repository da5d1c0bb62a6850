import { type Stats, statSync } from 'node:fs'
import { type ByteStore, VivariumError } from '../base/index.ts'
import { type DiskReport, extentNames, openDiskChain, readImage, reportOnDisk } from '../disk/index.ts'
import { type ResolveOptions, resolveChain } from './disk-chains.ts'
import { circumstancesOf } from './disk-circumstances.ts'
import { openDiskStore } from './disk-files.ts'
import { imageOptionsFor, siblingPath } from './disk-surroundings.ts'
import { finishedBackupsOf } from './repair-backup.ts'

/** What `Stats.blocks` counts, whatever the file system has. */
const BLOCK_BYTES = 512

/**
 * Says what a disk file is, what it holds and what is wrong with it; read-only, and without a claim, so that the
 * disk of a running machine can be looked at.
 * @throws VivariumError when the file is not there, may not be read, or is no disk image at all.
 */
export function inspectDisk(path: string, options: ResolveOptions = {}): DiskReport {
  const chain = resolveChain(path, options)
  const top = chain.layers[0]!.path
  const optionsFor = (layer: string) => ({
    ...imageOptionsFor(layer, { roots: options.roots }),
    ...(layer === top && options.format !== undefined && { format: options.format }),
  })
  const store = openDiskStore(top, false)
  try {
    const layers = chain.layers.map((layer) => layer.path)
    const image = readImage(store, optionsFor(top))
    const { openSibling } = optionsFor(top).surroundings ?? {}
    const others =
      image.facts.format === 'vmdk' && openSibling !== undefined ? extentFiles(top, store, options.roots) : []
    return reportOnDisk({
      path: top,
      fileSize: others.reduce((sum, { size }) => sum + size, store.size()),
      ...(others.length > 0 && { fileCount: 1 + others.length }),
      hostBytes: others.reduce((sum, { blocks }) => sum + blocks, statSync(top).blocks) * BLOCK_BYTES,
      repairBackups: finishedBackupsOf(top),
      image,
      chain: chain.links,
      chainProblems: [...circumstancesOf(chain.layers), ...chain.problems],
      ...(chain.complete && {
        openDisk: () =>
          openDiskChain(
            layers.map((layer) => openDiskStore(layer, false)),
            layers.map(optionsFor),
          ),
      }),
    })
  } finally {
    store.close()
  }
}

/** The other files of a disk that has several; what is away, or elsewhere, is a problem that the survey tells. */
function extentFiles(path: string, store: ByteStore, roots: readonly string[] | undefined): Stats[] {
  const found = new Map<string, Stats>()
  for (const name of extentNames(store)) {
    try {
      const file = siblingPath(path, name, roots)
      const stat = statSync(file, { throwIfNoEntry: false })
      if (stat !== undefined) found.set(file, stat)
    } catch (error) {
      if (!(error instanceof VivariumError)) throw error
    }
  }
  return [...found.values()]
}
