import { type ByteStore, VivariumError } from '../../src/base/index.ts'
import { type DiskFormat, openDiskChain, type ReadImageOptions, reportOnDisk } from '../../src/disk/index.ts'
import type { Random } from './mutate.ts'

export interface Subject {
  readonly format: DiskFormat
  readonly store: ByteStore
  /** Below it, where the sample is a child. */
  readonly parents: readonly ByteStore[]
  readonly options: ReadImageOptions
}

/**
 * Does to an image whatever Vivarium does to one: recognises it, reports on it, reads it, writes to it and opens it
 * again. It may work, or be refused by an error of ours; nothing else. @throws whatever else came out.
 */
export function exercise(subject: Subject, pick: Random): void {
  const { format, store, parents, options } = subject
  allowed(() => format.probe(store))
  allowed(() => {
    const image = format.read(store, options.surroundings)
    const openDisk = () => openDiskChain(chainOf(subject, image.facts.parent !== undefined), [options])
    reportOnDisk({ path: store.name, fileSize: store.size(), image, chain: [], chainProblems: [], openDisk })
  })
  for (const writable of [false, true]) allowed(() => useDisk(subject, parents.length > 0, writable, pick))
  if (parents.length > 0) allowed(() => useDisk(subject, false, false, pick))
}

function chainOf({ store, parents }: Subject, withParents: boolean): ByteStore[] {
  return withParents ? [store, ...parents] : [store]
}

function useDisk(subject: Subject, withParents: boolean, writable: boolean, pick: Random): void {
  const disk = openDiskChain(chainOf(subject, withParents), [subject.options], { writable })
  const place = (length: number) => pick(Math.max(1, Math.min(disk.sizeBytes - length, 2 ** 40)))
  const buffer = new Uint8Array(Math.min(disk.sizeBytes, 16_384))
  for (let i = 0; i < 3; i++) allowed(() => disk.read(i === 0 ? 0 : place(buffer.length), buffer))
  allowed(() => {
    const length = Math.min(disk.sizeBytes, 8 << 20)
    let count = 0
    for (const _ of disk.extents(place(length), length)) if (++count > 20_000) break
  })
  if (writable) {
    const bytes = new Uint8Array(Math.min(disk.sizeBytes, 1024)).fill(0x5a)
    for (let i = 0; i < 3; i++) allowed(() => disk.write(place(bytes.length), bytes))
    allowed(() => disk.writeZeroes(place(buffer.length), buffer.length))
    allowed(() => disk.discard(place(buffer.length), buffer.length))
    allowed(() => disk.flush())
  }
  allowed(() => disk.close())
}

function allowed(action: () => unknown): void {
  try {
    action()
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
  }
}
