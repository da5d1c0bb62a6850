import { statSync } from 'node:fs'
import { type DiskReport, openDiskChain, readImage, reportOnDisk } from '../disk/index.ts'
import { type ResolveOptions, resolveChain } from './disk-chains.ts'
import { circumstancesOf } from './disk-circumstances.ts'
import { openDiskStore } from './disk-files.ts'
import { imageOptionsFor } from './disk-surroundings.ts'
import { finishedBackupsOf } from './repair-backup.ts'

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
    return reportOnDisk({
      path: top,
      fileSize: store.size(),
      hostBytes: statSync(top).blocks * 512,
      repairBackups: finishedBackupsOf(top),
      image: readImage(store, optionsFor(top)),
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
