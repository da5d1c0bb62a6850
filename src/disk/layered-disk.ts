import type { Disk, Extent, Stored } from './disk.ts'
import type { Layer, Run } from './format.ts'

/**
 * The runner: asks the layers of a chain where a range is, topmost first, and moves the bytes straight between
 * file and caller. It walks down per run of sectors, in a loop: no recursion, so no limit of depth.
 */
export function layeredDisk(layers: readonly Layer[], writable: boolean): Disk {
  const top = layers[0]!
  const run: Run = { kind: 'zero', at: 0, length: 0 }
  /** Up to which guest byte a layer is known to pass on, so that it is asked once a run and not once a piece. */
  const passesUntil = new Float64Array(layers.length)

  /** Resolves [offset, offset+length) as far as one layer answers for it. Returns the layer's index. */
  function resolve(offset: number, length: number): number {
    let wanted = length
    for (let index = 0; index < layers.length; index++) {
      if (passesUntil[index]! > offset) {
        wanted = Math.min(wanted, passesUntil[index]! - offset)
        continue
      }
      const layer = layers[index]!
      // A parent may be smaller than its child: the rest reads as zero.
      if (offset >= layer.sizeBytes) break
      layer.locate(offset, Math.min(wanted, layer.sizeBytes - offset), run)
      if (run.kind !== 'below') return index
      wanted = run.length
      passesUntil[index] = offset + wanted
    }
    run.kind = 'zero'
    run.length = wanted
    return layers.length
  }

  function read(offset: number, into: Uint8Array): void {
    const length = into.length
    top.locate(offset, length, run)
    if (run.kind === 'data' && run.length === length) {
      top.store.read(run.at, into)
      return
    }
    passesUntil.fill(0)
    if (run.kind === 'below') passesUntil[0] = offset + run.length
    for (let done = 0; done < length; done += run.length) {
      const index = resolve(offset + done, length - done)
      const piece = run.length === length ? into : into.subarray(done, done + run.length)
      if (run.kind === 'zero') piece.fill(0)
      else if (run.kind === 'data') layers[index]!.store.read(run.at, piece)
      else layers[index]!.unpack!(offset + done, piece)
    }
  }

  /** Calls `whole` for the units that the range covers, and `part` for the first and last one if it does not. */
  function byUnits(
    offset: number,
    length: number,
    whole: (at: number, length: number) => void,
    part: (at: number, length: number) => void,
  ): void {
    const unit = top.allocationUnit
    if (unit === undefined || layers.length === 1) {
      whole(offset, length)
      return
    }
    const end = offset + length
    const first = Math.min(end, Math.ceil(offset / unit) * unit)
    const last = end === top.sizeBytes ? end : Math.max(first, Math.floor(end / unit) * unit)
    if (first > offset) part(offset, first - offset)
    if (last > first) whole(first, last - first)
    if (end > last) part(last, end - last)
  }

  /** Changes a part of one unit; what the top layer does not store of it yet comes from below. */
  function writePart(offset: number, from: Uint8Array): void {
    top.locate(offset, from.length, run)
    if (run.kind !== 'below') {
      top.write(offset, from)
      return
    }
    const unit = top.allocationUnit!
    const start = Math.floor(offset / unit) * unit
    const whole = new Uint8Array(Math.min(unit, top.sizeBytes - start))
    read(start, whole)
    whole.set(from, offset - start)
    top.write(start, whole)
  }

  function write(offset: number, from: Uint8Array): void {
    const piece = (at: number, length: number) => from.subarray(at - offset, at - offset + length)
    byUnits(
      offset,
      from.length,
      (at, length) => top.write(at, piece(at, length)),
      (at, length) => writePart(at, piece(at, length)),
    )
  }

  function zero(offset: number, length: number): void {
    byUnits(
      offset,
      length,
      (at, count) => top.zero(at, count),
      (at, count) => writePart(at, new Uint8Array(count)),
    )
  }

  function* extents(offset: number, length: number): Generator<Extent> {
    let pending: Extent | undefined
    for (let at = offset; at < offset + length; ) {
      passesUntil.fill(0)
      const index = resolve(at, offset + length - at)
      const kind = run.kind === 'zero' ? 'zero' : 'data'
      const found: Extent = {
        ...{ offset: at, length: run.length, kind },
        ...(index < layers.length && { layer: index }),
      }
      at += run.length
      if (pending === undefined) pending = found
      else if (pending.kind === found.kind && pending.layer === found.layer)
        pending = { ...pending, length: pending.length + found.length }
      else {
        yield pending
        pending = found
      }
    }
    if (pending !== undefined) yield pending
  }

  function storedAt(offset: number, length: number): Stored {
    passesUntil.fill(0)
    const index = resolve(offset, length)
    if (run.kind === 'zero') return { kind: 'zero', length: run.length }
    if (run.kind !== 'data') return { kind: 'computed', length: run.length }
    return { kind: 'data', length: run.length, store: layers[index]!.store, at: run.at }
  }

  return {
    format: top.format,
    sizeBytes: top.sizeBytes,
    writable,
    read,
    write: top.allocationUnit === undefined ? (offset, from) => top.write(offset, from) : write,
    flush: () => top.flush(),
    writeZeroes(offset, length) {
      // Ranges that read as zero already stay as they are: nothing is allocated for them.
      for (const extent of [...extents(offset, length)])
        if (extent.kind === 'data') zero(extent.offset, extent.length)
    },
    discard: (offset, length) => top.discard(offset, length),
    extents,
    storedAt,
    *tables(offset, length) {
      for (const layer of layers)
        if (offset < layer.sizeBytes && layer.tables !== undefined)
          yield* layer.tables(offset, Math.min(length, layer.sizeBytes - offset))
    },
    close() {
      for (const layer of layers) layer.close()
    },
  }
}
