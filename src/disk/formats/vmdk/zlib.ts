/** The frame around DEFLATE data that VMDK grains have (RFC 1950): two bytes before, Adler-32 behind. */
const HEADER = [0x78, 0x01] as const
/** The largest stored block (RFC 1951 section 3.2.4). */
const MAX_STORED_BYTES = 0xffff

/** Where the DEFLATE data begins; undefined when the bytes are not zlib's. */
export function deflateStart(packed: Uint8Array): number | undefined {
  const [method, flags] = packed
  if (method === undefined || flags === undefined) return undefined
  const isZlib = (method & 0x0f) === 8 && ((method << 8) | flags) % 31 === 0 && (flags & 0x20) === 0
  return isZlib ? 2 : undefined
}

/** RFC 1950 section 8.2. */
export function adler32(bytes: Uint8Array): number {
  let a = 1
  let b = 0
  for (let i = 0; i < bytes.length; ) {
    // 2000 additions of 255 keep both sums within 31 bits, where integers are quick.
    const end = Math.min(i + 2000, bytes.length)
    for (; i < end; i++) {
      a += bytes[i]!
      b += a
    }
    a %= 65521
    b %= 65521
  }
  return ((b << 16) | a) >>> 0
}

/** zlib data that is not packed at all: for places without a compressor. Every reader takes it. */
export function storedZlib(bytes: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(bytes.length / MAX_STORED_BYTES))
  const out = new Uint8Array(HEADER.length + blocks * 5 + bytes.length + 4)
  const view = new DataView(out.buffer)
  out.set(HEADER)
  let at: number = HEADER.length
  for (let block = 0; block < blocks; block++) {
    const piece = bytes.subarray(block * MAX_STORED_BYTES, (block + 1) * MAX_STORED_BYTES)
    out[at] = block === blocks - 1 ? 1 : 0
    view.setUint16(at + 1, piece.length, true)
    view.setUint16(at + 3, ~piece.length & 0xffff, true)
    out.set(piece, at + 5)
    at += 5 + piece.length
  }
  view.setUint32(at, adler32(bytes))
  return out
}
