import { VivariumError } from '../../base/index.ts'
import { encode, littleEndian } from './encode.ts'
import { evaluate, LineFault, type Lookup, type Value } from './expression.ts'
import { parseOperand, splitList } from './operand.ts'
import { type AssembleOptions, readLines, type SourceLine } from './source.ts'

export interface Assembly {
  readonly bytes: Uint8Array
  /** The address of the first byte, as the source's `org` says it. */
  readonly origin: number
  readonly symbols: ReadonlyMap<string, number>
}

/** More passes than any program needs: each pass lengthens at least one branch, and most programs settle in 4. */
const MAX_PASSES = 64
const MAX_BYTES = 65536
/** What `align` fills with, as NASM does. */
const NOP = 0x90

const PREFIXES: Record<string, number> = { rep: 0xf3, repe: 0xf3, repne: 0xf2 }
const DATA_WIDTH: Record<string, number> = { db: 1, dw: 2, dd: 4 }

interface Pass {
  readonly symbols: Map<string, Value>
  readonly far: Set<SourceLine>
  readonly bytes: number[]
  /** From the second pass on every label has an address, so distances mean something. */
  readonly measured: boolean
  origin: number
  settled: boolean
}

/**
 * Assembles 16-bit x86 in a subset of NASM's language: labels (`.local` ones too), `equ`, `org`, `db dw dd`,
 * `times`, `align`, `%include`, and the instructions of `instructions.ts`. Branches start short and grow, pass by
 * pass, until every one reaches.
 *
 * @throws VivariumError kind `malformed`, code `assembly-line`, naming the file and the line.
 */
export function assemble(source: string, options: AssembleOptions): Assembly {
  const lines = readLines(source, options)
  const far = new Set<SourceLine>()
  const symbols = labelsOf(lines)
  for (let count = 0; count < MAX_PASSES; count++) {
    const pass: Pass = { symbols, far, bytes: [], measured: count > 0, origin: 0, settled: true }
    for (const line of lines) atLine(line, () => assembleLine(line, pass))
    if (pass.settled && pass.measured) {
      return {
        bytes: Uint8Array.from(pass.bytes),
        origin: pass.origin,
        symbols: new Map([...symbols].map(([name, value]) => [name, value.number])),
      }
    }
  }
  throw new VivariumError('malformed', 'assembly-unsettled', 'The addresses of the program never settle.', {
    where: { path: options.path },
    next: 'An equ or times depends on its own size.',
  })
}

/** Every label, known before the first pass, so that a forward reference is never mistaken for a short constant. */
function labelsOf(lines: readonly SourceLine[]): Map<string, Value> {
  const symbols = new Map<string, Value>()
  for (const line of lines) {
    if (line.label === undefined) continue
    if (symbols.has(line.label))
      atLine(line, () => {
        throw new LineFault(`"${line.label}" is defined twice.`)
      })
    symbols.set(line.label, { number: 0, movable: true })
  }
  return symbols
}

function atLine<Result>(line: SourceLine, action: () => Result): Result {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof LineFault)) throw error
    throw new VivariumError('malformed', 'assembly-line', error.message, {
      where: { path: line.path, field: `line ${line.number}` },
    })
  }
}

function assembleLine(line: SourceLine, pass: Pass): void {
  const here = pass.origin + pass.bytes.length
  const lookup = lookupAt(line, here, pass)
  if (line.mnemonic === 'equ') {
    if (line.label === undefined) throw new LineFault('"equ" needs a name before it.')
    define(line.label, evaluate(line.rest, lookup), pass)
    return
  }
  if (line.label !== undefined) define(line.label, { number: here, movable: true }, pass)
  if (line.mnemonic === '') return
  if (line.mnemonic === 'org') {
    if (pass.bytes.length > 0) throw new LineFault('"org" must stand before all code.')
    pass.origin = evaluate(line.rest, lookup).number
    return
  }
  pass.bytes.push(...bytesOf(line, here, lookup, pass))
  if (pass.bytes.length > MAX_BYTES) throw new LineFault(`The program grows over ${MAX_BYTES} bytes.`)
}

function lookupAt(line: SourceLine, here: number, pass: Pass): Lookup {
  return (name) => {
    if (name === '$') return { number: here, movable: true }
    if (name === '$$') return { number: pass.origin, movable: true }
    return pass.symbols.get(name.startsWith('.') ? `${line.scope}${name}` : name)
  }
}

function define(name: string, value: Value, pass: Pass): void {
  if (pass.symbols.get(name)?.number !== value.number) pass.settled = false
  pass.symbols.set(name, value)
}

function bytesOf(line: SourceLine, here: number, lookup: Lookup, pass: Pass): readonly number[] {
  const { mnemonic, rest } = line
  const width = DATA_WIDTH[mnemonic]
  if (width !== undefined) return data(rest, width, lookup)
  if (mnemonic === 'times') return repeat(rest, lookup)
  if (mnemonic === 'align') {
    const boundary = evaluate(rest, lookup).number
    if (boundary < 1 || boundary > 4096) throw new LineFault(`align ${boundary} is not between 1 and 4096.`)
    return new Array<number>((boundary - (here % boundary)) % boundary).fill(NOP)
  }
  return instruction(line, here, lookup, pass)
}

function data(rest: string, width: number, lookup: Lookup): number[] {
  return splitList(rest).flatMap((item) => {
    const text = /^'([^']*)'$|^"([^"]*)"$/.exec(item)
    if (text !== null && width === 1)
      return [...(text[1] ?? text[2]!)].map((character) => character.charCodeAt(0))
    return littleEndian(evaluate(item, lookup).number, width)
  })
}

function repeat(rest: string, lookup: Lookup): number[] {
  const match = /^(.*?)\s+(db|dw|dd)\s+(.*)$/i.exec(rest)
  if (match === null) throw new LineFault('"times" takes a count and then db, dw or dd.')
  const count = evaluate(match[1]!, lookup).number
  if (count < 0 || count > MAX_BYTES) throw new LineFault(`times ${count} is not between 0 and ${MAX_BYTES}.`)
  const once = data(match[3]!, DATA_WIDTH[match[2]!.toLowerCase()]!, lookup)
  return new Array<number[]>(count).fill(once).flat()
}

function instruction(line: SourceLine, here: number, lookup: Lookup, pass: Pass): number[] {
  const prefix = PREFIXES[line.mnemonic]
  const [mnemonic, rest] =
    prefix === undefined ? [line.mnemonic, line.rest] : [line.rest.trim().toLowerCase(), '']
  const operands = splitList(rest).map((text) => parseOperand(text, lookup))
  const address = prefix === undefined ? here : here + 1
  const encoded = encode(mnemonic, operands, { address, far: pass.far.has(line) })
  if (encoded.outOfReach && pass.measured) {
    // The target is known from the second pass on; a branch that grew stays grown, so the passes end.
    if (pass.far.has(line)) throw new LineFault(`"${mnemonic}" cannot reach "${rest}".`)
    pass.far.add(line)
    pass.settled = false
  }
  return prefix === undefined ? [...encoded.bytes] : [prefix, ...encoded.bytes]
}
