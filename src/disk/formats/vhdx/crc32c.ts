/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), the checksum of every VHDX structure (MS-VHDX 2.2.2,
 * 2.2.3, 2.3.1.1). Eight tables take eight bytes a step: a region table is 64 KiB, and a log can be a megabyte.
 */
const TABLES: readonly Uint32Array[] = buildTables()

function buildTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
    return value
  })
  const tables = [first]
  for (let slice = 1; slice < 8; slice++) {
    const before = tables[slice - 1]!
    tables.push(before.map((value) => first[value & 0xff]! ^ (value >>> 8)))
  }
  return tables
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  ...[Uint32Array, Uint32Array, Uint32Array, Uint32Array],
  ...[Uint32Array, Uint32Array, Uint32Array, Uint32Array],
]

function update(crc: number, bytes: Uint8Array, start: number, end: number): number {
  let value = crc
  let at = start
  for (; at + 8 <= end; at += 8) {
    const low = value ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    value =
      T7[low & 0xff]! ^
      T6[(low >>> 8) & 0xff]! ^
      T5[(low >>> 16) & 0xff]! ^
      T4[low >>> 24]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!
  }
  for (; at < end; at++) value = T0[(value ^ bytes[at]!) & 0xff]! ^ (value >>> 8)
  return value
}

const FOUR_ZEROES = new Uint8Array(4)

/** The checksum of a structure whose own 32-bit checksum field at `fieldAt` counts as zero. */
export function checksumOf(bytes: Uint8Array, fieldAt: number): number {
  let crc = update(0xffff_ffff, bytes, 0, fieldAt)
  crc = update(crc, FOUR_ZEROES, 0, 4)
  return ~update(crc, bytes, fieldAt + 4, bytes.length) >>> 0
}

export function crc32c(bytes: Uint8Array): number {
  return ~update(0xffff_ffff, bytes, 0, bytes.length) >>> 0
}

/** One step of a checksum over several pieces: begins with FFFFFFFF or a seed, and is not inverted (as ext4 has it). */
export function updateCrc32c(crc: number, bytes: Uint8Array): number {
  return update(crc, bytes, 0, bytes.length) >>> 0
}
