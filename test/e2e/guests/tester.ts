import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assemble } from '../../../src/sample/assembler/index.ts'
import { createDiskFile, openDiskFile } from '../../../src/system/index.ts'

const SECTOR = 512
const CD_SECTOR = 2048

function testerProgram(): Uint8Array {
  const source = join(import.meta.dirname, 'tester.asm')
  return assemble(readFileSync(source, 'utf8'), { path: source }).bytes
}

/** Puts the guest of tester.asm onto a new dynamic VHD. */
export function createTesterDisk(path: string): void {
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: 8 * 1024 * 1024 })
  const disk = openDiskFile(path, { writable: true })
  const floppy = testerFloppy()
  disk.write(0, floppy.subarray(0, 16 * SECTOR))
  disk.close()
}

/** The same guest on a floppy of 1.44 MB. */
export function testerFloppy(): Uint8Array {
  const image = new Uint8Array(2880 * SECTOR)
  const program = testerProgram()
  image.set(program.subarray(0, SECTOR))
  image.set(program.subarray(SECTOR), 3 * SECTOR)
  return image
}

/** And on a CD that starts as that floppy. @source El Torito 1.0, figures 2 to 4 and 7; ECMA-119, section 8. */
export function testerCd(): Uint8Array {
  const floppy = testerFloppy()
  const image = new Uint8Array(20 * CD_SECTOR + floppy.length)
  const view = new DataView(image.buffer)
  for (const [sector, type] of [
    [16, 1],
    [17, 0],
    [18, 255],
  ] as const) {
    image.set([type, ...Buffer.from('CD001'), 1], sector * CD_SECTOR)
  }
  image.set(Buffer.from('EL TORITO SPECIFICATION'), 17 * CD_SECTOR + 7)
  view.setUint32(17 * CD_SECTOR + 0x47, 19, true)
  // Validation entry (its words add up to 0), then the default entry: bootable, 1.44 MB floppy, one sector, where.
  const catalog = 19 * CD_SECTOR
  view.setUint16(catalog, 1, true)
  view.setUint16(catalog + 0x1e, 0xaa55, true)
  view.setUint16(catalog + 0x1c, 0x10000 - 1 - 0xaa55, true)
  image.set([0x88, 2], catalog + 32)
  view.setUint16(catalog + 32 + 6, 1, true)
  view.setUint32(catalog + 32 + 8, 20, true)
  image.set(floppy, 20 * CD_SECTOR)
  return image
}

/** The sector that the guest writes at the command "w". */
export function testerSector(path: string): Uint8Array {
  const disk = openDiskFile(path)
  const sector = new Uint8Array(SECTOR)
  disk.read(SECTOR, sector)
  disk.close()
  return sector
}
