import { plural, viewOf } from '../../base/index.ts'
import {
  ABSENT,
  isStored,
  layoutOf,
  placeOf,
  readMap,
  usedBytesOf,
  type VdiLayout,
} from '../formats/vdi/block-map.ts'
import { ALLOCATED_AT, hasMagic, readHeader } from '../formats/vdi/header.ts'
import type { Doctor } from './doctor.ts'
import { type Cure, type Patient, tell } from './patient.ts'
import type { Surgery } from './surgery.ts'

const MAX_COPIED_BLOCKS = 64

/** VDI: the map of blocks, and the header's count of them, which tells other programs where the next one goes. */
export const vdiDoctor: Doctor = {
  format: 'vdi',
  recognises: hasMagic,
  *treat(surgery, report, options) {
    const patient: Patient = { surgery, store: surgery.store, path: surgery.store.name, options, report }
    const header = readHeader(surgery.store)
    const layout = layoutOf(header, surgery.store)
    const map = readMap(surgery.store, layout)
    const stride = layout.blockSize + layout.blockExtra
    const fault = (code: string, message: string, blocks: readonly number[], cure: Cure = 'repair') =>
      tell(patient, {
        ...{ code, severity: 'error', message, field: 'block map' },
        offset: layout.mapAt + blocks[0]! * 4,
        cure,
      })
    const { outside, twice, cut, taken } = yield* sortBlocks(surgery, layout, map)
    const setEntry = (block: number, value: number, what: string, why: string, loses: boolean) => {
      const bytes = new Uint8Array(4)
      viewOf(bytes).setUint32(0, value, true)
      surgery.write(layout.mapAt + block * 4, bytes, { what, why, loses })
    }
    if (outside.length > 1 && taken.size === 0) {
      fault(
        'vdi-block-outside-file',
        'No block lies within the file: the map as a whole is damaged.',
        outside,
        'hopeless',
      )
      return
    }
    if (outside.length > 0)
      fault(
        'vdi-block-outside-file',
        `${plural(outside.length, 'block does', 'blocks do')} not lie within the file; the first is block ${outside[0]}.`,
        outside,
      )
    for (const block of outside)
      setEntry(
        block,
        ABSENT,
        `Mark block ${block} as absent.`,
        'It points behind the end of the file: what it held is not there.',
        true,
      )
    let next = 0
    for (const entry of taken) next = Math.max(next, entry + 1)
    const end = placeOf(layout, next) - layout.blockExtra
    if (cut.length > 0) {
      fault(
        'vdi-block-truncated',
        `The file ends within block ${cut[0]}. What is missing of it reads as zero after a repair.`,
        cut,
      )
      surgery.resize(end, {
        what: `Extend the file with zeroes to ${end} bytes.`,
        why: 'The last block is cut off; what is missing of it is lost already.',
        loses: true,
      })
    }
    if (twice.length > 0) {
      const hopeless = twice.length > Math.max(MAX_COPIED_BLOCKS, taken.size / 4)
      fault(
        'vdi-blocks-overlap',
        `${plural(twice.length, 'block lies', 'blocks lie')} on top of others; the first is block ${twice[0]}.`,
        twice,
        hopeless ? 'convert' : 'repair',
      )
      if (hopeless) return
      // Numbers, not addresses: the copies go behind the last number, wherever the file ends.
      next = Math.max(next, Math.ceil((surgery.size - layout.dataAt) / stride))
      for (const block of twice) {
        const from = placeOf(layout, map[block]!)
        surgery.copyToEnd(
          from,
          placeOf(layout, next),
          Math.min(layout.blockSize, surgery.sizeBefore - from),
          {
            what: `Copy block ${block} to a place of its own, number ${next}.`,
            why: 'It lies on top of another one: writing to the one would change the other.',
          },
        )
        setEntry(
          block,
          next,
          `Point block ${block} to its copy.`,
          'The disk shows what it showed before.',
          false,
        )
        next++
      }
      const whole = placeOf(layout, next) - layout.blockExtra
      if (surgery.size < whole)
        surgery.resize(whole, {
          what: `Extend the file to ${whole} bytes.`,
          why: 'It ends with a whole block.',
        })
    }
    if (header.allocated >= next) return
    tell(patient, {
      ...{ code: 'vdi-count-too-low', severity: 'error', field: 'blocks allocated', offset: ALLOCATED_AT },
      message: `The header counts ${header.allocated} blocks, and ${next} are used: VirtualBox would put the next one on top of one.`,
      cure: 'repair',
    })
    const count = new Uint8Array(4)
    viewOf(count).setUint32(0, next, true)
    surgery.write(ALLOCATED_AT, count, {
      what: `Count ${next} blocks in the header.`,
      why: 'The map uses so many.',
    })
  },
}

interface SortedMap {
  readonly outside: number[]
  readonly twice: number[]
  readonly cut: number[]
  /** The numbers that blocks have, each once. */
  readonly taken: Set<number>
}

function* sortBlocks({ size }: Surgery, layout: VdiLayout, map: Uint32Array): Generator<number, SortedMap> {
  const sorted: SortedMap = { outside: [], twice: [], cut: [], taken: new Set() }
  for (const [block, entry] of map.entries()) {
    if (block % 4096 === 0) yield block / map.length
    if (!isStored(entry)) continue
    if (placeOf(layout, entry) >= size) sorted.outside.push(block)
    else if (sorted.taken.has(entry)) sorted.twice.push(block)
    else {
      sorted.taken.add(entry)
      if (placeOf(layout, entry) + usedBytesOf(layout, block) > size) sorted.cut.push(block)
    }
  }
  return sorted
}
