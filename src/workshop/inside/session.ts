import { statSync } from 'node:fs'
import { VivariumError } from '../../base/index.ts'
import { type Disk, fatReadingOf, type PartitionReport, readContents, volumeOf } from '../../disk/index.ts'
import { layersOf, openDiskLayers, resolveChain } from '../../system/index.ts'
import type { InsideVolume } from './entry.ts'
import { handlerOf, handlersOf } from './file-systems.ts'
import type { Opening } from './protocol.ts'
import { Volume } from './volume.ts'

/** A disk as the reader's process has it open: read-only and without a claim, so that a machine may be using it. */
export class Session {
  readonly #opening: Opening
  #open: Opened | undefined

  constructor(opening: Opening) {
    this.#opening = opening
  }

  volumes(): InsideVolume[] {
    return this.#current().partitions.map(({ number, fileSystem, label, sizeBytes }) => ({
      number,
      ...(fileSystem !== undefined && { fileSystem }),
      ...(label !== undefined && { label }),
      sizeBytes,
      readable: handlerOf(fileSystem) !== undefined,
    }))
  }

  /** @throws VivariumError kind `not-found` (no such volume) or `unsupported` (a file system that nobody here reads). */
  volume(number: number): Volume {
    const { partitions, disk, volumes } = this.#current()
    const known = volumes.get(number)
    if (known !== undefined) return known
    const partition = partitions.find((each) => each.number === number)
    if (partition === undefined) throw noVolume(this.#opening.path, number, partitions)
    const sizeBytes = Math.max(0, Math.min(partition.sizeBytes, disk.sizeBytes - partition.offset))
    const handlers = handlersOf(partition.fileSystem, (offset, length) => {
      if (offset + length > sizeBytes) return undefined
      const bytes = new Uint8Array(length)
      disk.read(partition.offset + offset, bytes)
      return bytes
    })
    if (handlers.length === 0) throw notReadable(this.#opening.path, partition)
    const place = { disk, offset: partition.offset, sizeBytes }
    const reading = handlers.includes('FAT')
      ? fatReadingOf(volumeOf(disk, place.offset, sizeBytes))
      : undefined
    const volume = new Volume({ ...place, reading }, handlers)
    volumes.set(number, volume)
    return volume
  }

  /** A running machine changes its disk: what was read before is then read again. */
  #current(): Opened {
    if (this.#open !== undefined && stampOf(this.#open.layers) === this.#open.stamp) return this.#open
    this.#open?.disk.close()
    this.#open = undefined
    const { path, roots, searchFolders } = this.#opening
    const layers = layersOf(resolveChain(path, { roots, searchFolders }))
    const stamp = stampOf(layers)
    const disk = openDiskLayers({ layers, writable: false }, { roots })
    this.#open = { layers, stamp, disk, partitions: readContents(disk).partitions, volumes: new Map() }
    return this.#open
  }
}

interface Opened {
  readonly layers: readonly string[]
  readonly stamp: string
  readonly disk: Disk
  readonly partitions: readonly PartitionReport[]
  readonly volumes: Map<number, Volume>
}

function stampOf(layers: readonly string[]): string {
  return layers
    .map((layer) => statSync(layer, { bigint: true, throwIfNoEntry: false }))
    .map((stat) => (stat === undefined ? 'gone' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`))
    .join('; ')
}

function noVolume(path: string, number: number, partitions: readonly PartitionReport[]): VivariumError {
  return new VivariumError('not-found', 'inside-no-such-volume', `The disk has no volume ${number}.`, {
    where: { path },
    next:
      partitions.length === 0
        ? 'It is blank, or damaged: inspect it.'
        : `It has: ${partitions.map((each) => each.number).join(', ')}.`,
  })
}

function notReadable(path: string, { number, fileSystem, typeName }: PartitionReport): VivariumError {
  return new VivariumError(
    'unsupported',
    'inside-file-system',
    fileSystem === undefined
      ? `Volume ${number} (${typeName}) holds no file system that Vivarium knows.`
      : `Volume ${number} holds ${fileSystem}, whose files cannot be listed.`,
    {
      where: { path },
      next: 'FAT, NTFS, ext2 to ext4, ISO 9660, UDF, HFS, APFS and SquashFS can be. Start the machine instead.',
    },
  )
}
