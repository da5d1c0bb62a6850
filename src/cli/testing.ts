import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const PROGRAM = fileURLToPath(new URL('../../bin/vivarium.js', import.meta.url))

export interface Ran {
  readonly code: number | null
  readonly out: string
  /** What came on standard error. */
  readonly told: string
}

/** Runs the real command line to its end, in this folder. */
export function runIn(folder: string, args: readonly string[], input: string | Uint8Array = ''): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    cwd: folder,
    input,
    maxBuffer: 1 << 28,
  })
  return { code: status, out: stdout.toString(), told: stderr.toString() }
}

const SECTOR = 512

/** A FAT12 of 64 KiB, without any partition table; empty, or with README.TXT in it, which says "hello". */
export function floppy({ empty = false } = {}): Buffer {
  const image = Buffer.alloc(64 << 10)
  image.write('\xeb\x3c\x90VIVARIUM\0\x02\x01\x01\0\x02\x10\0\x80\0\xf8\x01\0\x01\0\x01\0', 'latin1')
  image.writeUInt16LE(0xaa55, 510)
  for (const table of [1, 2]) image.set([0xf8, 0xff, 0xff, ...(empty ? [] : [0xff, 0x0f])], table * SECTOR)
  if (empty) return image
  const entry = 3 * SECTOR
  image.write('README  TXT ', entry, 'latin1')
  image.writeUInt16LE(2, entry + 26)
  image.writeUInt32LE(5, entry + 28)
  image.write('hello', 4 * SECTOR, 'latin1')
  return image
}
