/**
 * CMOS RAM in `hardware/bios/cmos`: byte i is register 0x0E + i (formats.md 2.5). It is a snapshot of the last
 * run: the machine's own keys count, and a difference is only worth a note.
 */
export const CMOS_BYTES = 242
const FIRST_REGISTER = 0x0e

function register(cmos: Uint8Array, number: number): number {
  return cmos[number - FIRST_REGISTER] ?? 0
}

/** Registers 0x2E and 0x2F hold the sum of 0x10 to 0x2D, high byte first. */
export function isCmosSumRight(cmos: Uint8Array): boolean {
  let sum = 0
  for (let number = 0x10; number <= 0x2d; number++) sum += register(cmos, number)
  return (register(cmos, 0x2e) << 8) + register(cmos, 0x2f) === (sum & 0xffff)
}

/** Whether what the BIOS noted (0x17/0x18 extended KB, 0x35 megabytes - 1) fits this much memory. */
export function isCmosMemory(cmos: Uint8Array, memoryMB: number): boolean {
  const extendedKB = Math.min(65535, (memoryMB - 1) * 1024)
  const noted = register(cmos, 0x17) + (register(cmos, 0x18) << 8)
  return noted === extendedKB && register(cmos, 0x35) === ((memoryMB - 1) & 0xff)
}
