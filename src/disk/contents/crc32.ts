/** CRC-32 as Ethernet, ZIP and GPT use it (reflected 0xEDB88320). */
const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const value of bytes) crc = TABLE[(crc ^ value) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
