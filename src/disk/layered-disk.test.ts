import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Layer, Run } from './format.ts'
import { layeredDisk } from './layered-disk.ts'
import { memoryStore } from './testing.ts'

const UNIT = 4096
const SIZE = 5 * UNIT + 1536 // the last unit is a part of one

/** The simplest format of whole units: all in memory; some units are given as `packed`. */
function unitLayer(packs: (unit: number) => boolean): Layer {
  const units = new Map<number, Uint8Array>()
  const store = memoryStore()
  const piece = (offset: number, length: number) => {
    const unit = Math.floor(offset / UNIT)
    return { unit, at: offset % UNIT, length: Math.min(length, UNIT - (offset % UNIT)) }
  }
  function write(offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) {
      const { unit, at, length } = piece(offset + done, from.length - done)
      const bytes = units.get(unit)
      const used = Math.min(UNIT, SIZE - unit * UNIT)
      if (bytes === undefined) assert.deepEqual([at, length], [0, used], 'a new unit is written whole')
      const content = bytes ?? new Uint8Array(UNIT)
      content.set(from.subarray(done, done + length), at)
      units.set(unit, content)
      if (!packs(unit)) store.write(unit * UNIT, content)
      done += length
    }
  }
  return {
    format: 'units',
    store,
    sizeBytes: SIZE,
    allocationUnit: UNIT,
    locate(offset: number, wanted: number, into: Run) {
      const { unit, length } = piece(offset, wanted)
      into.kind = units.has(unit) ? (packs(unit) ? 'packed' : 'data') : 'below'
      into.at = packs(unit) ? -1 : offset
      into.length = length
    },
    unpack(offset, into) {
      const { unit, at, length } = piece(offset, into.length)
      assert.equal(length, into.length)
      into.set(units.get(unit)!.subarray(at, at + length))
    },
    write,
    zero: (offset, length) => write(offset, new Uint8Array(length)),
    discard: () => undefined,
    flush: () => undefined,
    close: () => undefined,
  }
}

test('layers of whole units, packed or not, hold what a plain array holds, and get new units whole', () => {
  const range = fc.record({
    at: fc.nat(SIZE / 512 - 1).map((sector) => sector * 512),
    length: fc.integer({ min: 1, max: 20 }).map((sectors) => sectors * 512),
    value: fc.nat(255),
  })
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), fc.array(range, { maxLength: 8 }), (below, above) => {
      const model = new Uint8Array(SIZE)
      const base = unitLayer((unit) => unit % 2 === 0)
      const top = unitLayer((unit) => unit % 3 === 0)
      // The base is filled from a layer below it, so that it too is completed.
      for (const [layers, ranges] of [
        [[base, unitLayer(() => false)], below],
        [[top, base], above],
      ] as const) {
        const disk = layeredDisk(layers, true)
        for (const { at, length: wanted, value } of ranges) {
          const length = Math.min(wanted, SIZE - at)
          if (value < 40) disk.writeZeroes(at, length)
          else disk.write(at, new Uint8Array(length).fill(value))
          model.fill(value < 40 ? 0 : value, at, at + length)
        }
        const all = new Uint8Array(SIZE)
        disk.read(0, all)
        assert.deepEqual(all, model)
        for (const { offset, length, kind } of disk.extents(0, SIZE))
          assert.ok(kind === 'data' || model.subarray(offset, offset + length).every((value) => value === 0))
      }
    }),
  )
})
