import { VivariumError } from '../base/index.ts'

/**
 * DEFLATE (RFC 1951) unpacked in plain TypeScript: disk images are read by synchronous code, and what a browser
 * offers (DecompressionStream) is asynchronous. On Node, pass a `Surroundings.inflate` over node:zlib, which is
 * faster. Memory is the tables below; the output is never longer than `into`.
 */
interface Code {
  /** How many codes have each length (1 to 15), and the symbols in the order of their codes. */
  readonly counts: Uint16Array
  readonly symbols: Uint16Array
  /** For the next FAST_BITS bits as they come: symbol << 4 | length; 0 = a longer code. */
  readonly fast: Uint16Array
}

const MAX_CODE_BITS = 15
const FAST_BITS = 9
const END_OF_BLOCK = 256

/** RFC 1951 section 3.2.5: bases and extra bits of lengths (symbols 257 to 285) and distances (0 to 29). */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
]
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
]
const DISTANCE_BITS = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]
/** Section 3.2.7: the order in which the lengths of the code length code come. */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** Section 3.2.6. */
let fixedCodes: readonly [Code, Code] | undefined

function fixed(): readonly [Code, Code] {
  if (fixedCodes === undefined) {
    const lengths = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280)
    fixedCodes = [buildCode(lengths), buildCode(new Uint8Array(30).fill(5))]
  }
  return fixedCodes
}

function buildCode(lengths: Uint8Array): Code {
  const counts = new Uint16Array(MAX_CODE_BITS + 1)
  for (const length of lengths) counts[length]!++
  counts[0] = 0
  const offsets = new Uint16Array(MAX_CODE_BITS + 2)
  let left = 1
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    left = left * 2 - counts[length]!
    if (left < 0) throw damaged('more codes than fit')
    offsets[length + 1] = offsets[length]! + counts[length]!
  }
  const symbols = new Uint16Array(lengths.length)
  for (const [symbol, length] of lengths.entries()) if (length > 0) symbols[offsets[length]!++] = symbol
  return { counts, symbols, fast: fastTable(counts, symbols) }
}

function fastTable(counts: Uint16Array, symbols: Uint16Array): Uint16Array {
  const fast = new Uint16Array(1 << FAST_BITS)
  let code = 0
  let index = 0
  for (let length = 1; length <= FAST_BITS; length++, code <<= 1) {
    for (let i = 0; i < counts[length]!; i++, code++, index++) {
      // Codes come most significant bit first, everything else least significant bit first.
      let reversed = 0
      for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit)
      for (let at = reversed; at < fast.length; at += 1 << length) fast[at] = (symbols[index]! << 4) | length
    }
  }
  return fast
}

function damaged(what: string): VivariumError {
  return new VivariumError('corrupt', 'deflate-damaged', `Compressed data is damaged: ${what}.`, {
    next: 'Copy the file again from its source.',
  })
}

class Bits {
  readonly #from: Uint8Array
  #at = 0
  #hold = 0
  #count = 0

  constructor(from: Uint8Array) {
    this.#from = from
  }

  /** Up to 16 bits. */
  take(count: number): number {
    this.#fill(count)
    if (this.#count < count) throw damaged('it ends too early')
    const value = this.#hold & ((1 << count) - 1)
    this.#drop(count)
    return value
  }

  #fill(count: number): void {
    while (this.#count < count && this.#at < this.#from.length) {
      this.#hold |= this.#from[this.#at++]! << this.#count
      this.#count += 8
    }
  }

  #drop(count: number): void {
    this.#hold >>>= count
    this.#count -= count
  }

  symbol(code: Code): number {
    this.#fill(MAX_CODE_BITS)
    const entry = code.fast[this.#hold & ((1 << FAST_BITS) - 1)]!
    const length = entry & 15
    if (length === 0) return this.#slowSymbol(code)
    if (length > this.#count) throw damaged('it ends too early')
    this.#drop(length)
    return entry >> 4
  }

  #slowSymbol({ counts, symbols }: Code): number {
    let value = 0
    let first = 0
    let index = 0
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      value |= this.take(1)
      const count = counts[length]!
      if (value - first < count) return symbols[index + value - first]!
      index += count
      first = (first + count) << 1
      value <<= 1
    }
    throw damaged('a code that does not exist')
  }

  /** From the next whole byte on (stored blocks). */
  bytes(length: number): Uint8Array {
    this.#at -= this.#count >> 3
    this.#hold = 0
    this.#count = 0
    if (this.#at + length > this.#from.length) throw damaged('it ends too early')
    this.#at += length
    return this.#from.subarray(this.#at - length, this.#at)
  }
}

/** See `Inflate` in format.ts. */
export function inflateRaw(packed: Uint8Array, into: Uint8Array): number {
  const bits = new Bits(packed)
  let done = 0
  for (let last = 0; last === 0 && done < into.length; ) {
    last = bits.take(1)
    const type = bits.take(2)
    if (type === 0) done = inflateStored(bits, into, done)
    else if (type === 3) throw damaged('a block of an unknown type')
    else {
      const [literals, distances] = type === 1 ? fixed() : readCodes(bits)
      done = inflateBlock(bits, literals, distances, into, done)
    }
  }
  return done
}

function inflateStored(bits: Bits, into: Uint8Array, done: number): number {
  const header = bits.bytes(4)
  const length = header[0]! | (header[1]! << 8)
  if ((length ^ (header[2]! | (header[3]! << 8))) !== 0xffff) throw damaged('the length of a stored block')
  const count = Math.min(length, into.length - done)
  into.set(bits.bytes(length).subarray(0, count), done)
  return done + count
}

/** Section 3.2.7. */
function readCodes(bits: Bits): readonly [Code, Code] {
  const literalCount = bits.take(5) + 257
  const distanceCount = bits.take(5) + 1
  const ownCount = bits.take(4) + 4
  const ownLengths = new Uint8Array(19)
  for (let i = 0; i < ownCount; i++) ownLengths[CODE_LENGTH_ORDER[i]!] = bits.take(3)
  const own = buildCode(ownLengths)
  const lengths = new Uint8Array(literalCount + distanceCount)
  for (let i = 0; i < lengths.length; ) {
    const symbol = bits.symbol(own)
    if (symbol < 16) {
      lengths[i++] = symbol
      continue
    }
    if (symbol === 16 && i === 0) throw damaged('a repetition of nothing')
    const value = symbol === 16 ? lengths[i - 1]! : 0
    const count = symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7)
    if (i + count > lengths.length) throw damaged('too many code lengths')
    lengths.fill(value, i, i + count)
    i += count
  }
  return [buildCode(lengths.subarray(0, literalCount)), buildCode(lengths.subarray(literalCount))]
}

function inflateBlock(bits: Bits, literals: Code, distances: Code, into: Uint8Array, start: number): number {
  let done = start
  while (done < into.length) {
    const symbol = bits.symbol(literals)
    if (symbol < END_OF_BLOCK) {
      into[done++] = symbol
      continue
    }
    if (symbol === END_OF_BLOCK) return done
    const base = LENGTH_BASE[symbol - 257]
    if (base === undefined) throw damaged('a length that does not exist')
    const length = base + bits.take(LENGTH_BITS[symbol - 257]!)
    const back = bits.symbol(distances)
    const distanceBase = DISTANCE_BASE[back]
    if (distanceBase === undefined) throw damaged('a distance that does not exist')
    const distance = distanceBase + bits.take(DISTANCE_BITS[back]!)
    if (distance > done) throw damaged('it refers to before its start')
    const end = Math.min(done + length, into.length)
    // Source and target may overlap: that is how runs are written.
    for (let from = done - distance; done < end; from++, done++) into[done] = into[from]!
  }
  return done
}
