import type { BootFile } from '../../world.ts'

/** The mode is for texts; a longer file is not one. */
const MOST_BYTES = 1 << 20
const CR = 13
const LF = 10

/** A text as netascii (RFC 1350, section 1, after RFC 764): lines end with CR LF, and a lone CR has a NUL. */
export async function netasciiOf(file: BootFile): Promise<BootFile | undefined> {
  if (file.size > MOST_BYTES) return undefined
  const bytes = await file.read(0, file.size)
  const text = new Uint8Array(bytes.length * 2)
  let length = 0
  for (const byte of bytes) {
    if (byte === LF) text[length++] = CR
    text[length++] = byte
    if (byte === CR) text[length++] = 0
  }
  return bytesFile(text.subarray(0, length), () => file.close())
}

export function bytesFile(bytes: Uint8Array, close: () => void = () => undefined): BootFile {
  return {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
    close,
  }
}
