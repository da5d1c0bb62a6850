import { isZero } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { ABSENT, usedBytesOf } from '../../formats/vhd/bat.ts'
import { allSet, countSet, equalBits, hasBit } from '../../formats/vhd/bitmap.ts'
import type { Footer } from '../../formats/vhd/footer.ts'
import { type Patient, tell } from '../patient.ts'
import type { CuredTable } from './table-cure.ts'

/** How much is read between two pauses. */
const PIECE_SECTORS = 1024

/**
 * In a dynamic disk every bit of a block's bitmap should be set: QEMU and Virtual PC show the data whatever the bits
 * say, VirtualBox and this program show zeroes where a bit is clear. Data under a clear bit is therefore seen by one
 * and not by the other. In a differencing disk a clear bit is the parent's, and says nothing.
 */
export function* cureBitmaps(
  patient: Patient,
  { layout, bat }: CuredTable,
  footer: Footer,
): Generator<number, void> {
  const hidden: number[] = []
  let beyond = 0
  for (let block = 0; block < bat.length; block++) {
    if (bat[block] === ABSENT) continue
    yield block / bat.length
    const at = bat[block]! * SECTOR
    const bitmap = patient.surgery.bytesAt(at, layout.bitmapBytes)
    const used = usedBytesOf(layout, block) / SECTOR
    if (footer.type === 'differencing') {
      if (countSet(bitmap, layout.blockSize / SECTOR) > countSet(bitmap, used)) beyond++
      continue
    }
    if (allSet(bitmap, used) || !hidesData(patient, at + layout.bitmapBytes, bitmap, used)) continue
    hidden.push(block)
    patient.surgery.write(at, new Uint8Array(layout.bitmapBytes).fill(0xff), {
      what: `Set all bits of block ${block}'s bitmap.`,
      why: 'There is data under clear bits, which some programs show and others do not.',
    })
  }
  if (hidden.length > 0)
    tell(patient, {
      code: 'vhd-bitmap-hides-data',
      severity: 'warning',
      field: 'bitmap',
      offset: bat[hidden[0]!]! * SECTOR,
      message: `${hidden.length} blocks hold data that their bitmaps call absent; the first is block ${hidden[0]}. QEMU and Virtual PC show that data, VirtualBox shows zeroes.`,
      cure: 'repair',
    })
  if (beyond > 0)
    tell(patient, {
      code: 'vhd-bitmap-beyond-size',
      severity: 'note',
      field: 'bitmap',
      message: 'Bits of the last bitmap are set for sectors behind the end of the disk.',
      cure: 'nothing',
    })
}

function hidesData({ surgery, store }: Patient, dataAt: number, bitmap: Uint8Array, used: number): boolean {
  for (let sector = 0; sector < used; ) {
    const run = Math.min(equalBits(bitmap, sector, used), PIECE_SECTORS)
    const length = Math.min(run * SECTOR, store.size() - dataAt - sector * SECTOR)
    if (!hasBit(bitmap, sector) && length > 0 && !isZero(surgery.bytesAt(dataAt + sector * SECTOR, length)))
      return true
    sector += run
  }
  return false
}
