import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LOAD_AT = 0x08048000
const HEADER_BYTES = 52
const SEGMENT_BYTES = 32

/** mov eax, 1 (exit); xor ebx, ebx; int 0x80 */
const CODE = Uint8Array.of(0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80)

/** The smallest program for i386: it ends well. System V ABI, Intel386 supplement, chapter 4 "Object files". */
export function smallestProgram(): Uint8Array {
  const start = HEADER_BYTES + SEGMENT_BYTES
  const bytes = new Uint8Array(start + CODE.length)
  const view = new DataView(bytes.buffer)
  const words = (at: number, ...values: number[]) => {
    for (const [index, value] of values.entries()) view.setUint32(at + index * 4, value, true)
  }
  // ELF, 32 bits, little-endian, version 1.
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1])
  // Executable for machine 3 (386); version, entry, program headers, section headers, flags.
  view.setUint16(16, 2, true)
  view.setUint16(18, 3, true)
  words(20, 1, LOAD_AT + start, HEADER_BYTES, 0, 0)
  view.setUint16(40, HEADER_BYTES, true)
  view.setUint16(42, SEGMENT_BYTES, true)
  view.setUint16(44, 1, true)
  // One segment: load the whole file, readable and executable, aligned to a page.
  words(HEADER_BYTES, 1, 0, LOAD_AT, LOAD_AT, bytes.length, bytes.length, 5, 4096)
  bytes.set(CODE, start)
  return bytes
}

/** Tries it: a kernel can be told not to run 32-bit programs, and QEMU may run them in its place. */
export function canRunI386(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'vivarium-i386-'))
  try {
    const program = join(folder, 'try')
    writeFileSync(program, smallestProgram())
    chmodSync(program, 0o700)
    return spawnSync(program, { timeout: 10_000 }).status === 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
