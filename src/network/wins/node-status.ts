import { writeMac, writeUint16 } from '../addresses.ts'
import { SUFFIX, sixteenBytes } from './netbios-name.ts'

/** A node status answer (RFC 1002, 4.2.18): the names of the server itself, and statistics, which are only its MAC. */
const ENTRY_BYTES = 18
const STATISTICS_BYTES = 46
/** Active, and a node that speaks to a name server. */
const FLAGS = 0x6400

export function statusData(name: string, mac: number): Uint8Array {
  const suffixes = [SUFFIX.workstation, SUFFIX.server]
  const data = new Uint8Array(1 + ENTRY_BYTES * suffixes.length + STATISTICS_BYTES)
  data[0] = suffixes.length
  for (const [index, suffix] of suffixes.entries()) {
    const at = 1 + ENTRY_BYTES * index
    data.set(sixteenBytes({ name, suffix }), at)
    writeUint16(data, at + 16, FLAGS)
  }
  writeMac(data, 1 + ENTRY_BYTES * suffixes.length, mac)
  return data
}
