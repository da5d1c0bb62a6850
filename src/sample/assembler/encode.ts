import { LineFault, type Value } from './expression.ts'
import { type Form, forms } from './instructions.ts'
import type { Memory, Operand } from './operand.ts'

/** Where an instruction stands, and whether an earlier pass found its branch too far for one byte. */
export interface Place {
  readonly address: number
  readonly far: boolean
}

export interface Encoded {
  readonly bytes: readonly number[]
  /** A short branch that does not reach its target: the next pass must encode it with `far`. */
  readonly outOfReach: boolean
}

interface Match {
  readonly form: Form
  /** What the `v` operands turned out to be. */
  readonly size: 16 | 32 | undefined
}

const OPERAND_SIZE = 0x66
/** Segment override prefixes by segment code: Intel SDM volume 2, section 2.1.1. */
const SEGMENT_PREFIX = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]

/** @throws LineFault */
export function encode(mnemonic: string, operands: readonly Operand[], place: Place): Encoded {
  const candidates = forms.get(mnemonic)
  if (candidates === undefined)
    throw new LineFault(`"${mnemonic}" is not an instruction this assembler knows.`)
  const { form, size } = choose(candidates, operands, place, mnemonic)
  return emit(form, size, operands, place)
}

function choose(
  candidates: readonly Form[],
  operands: readonly Operand[],
  place: Place,
  name: string,
): Match {
  for (const form of candidates) {
    if (place.far && form.operands[0] === 'rel8' && candidates.length > 1) continue
    const match = matchForm(form, operands)
    if (match === 'ambiguous')
      throw new LineFault(`"${name}" needs to know the size: write byte, word or dword.`)
    if (match !== undefined) return match
  }
  throw new LineFault(`"${name}" does not take these operands.`)
}

function matchForm(form: Form, operands: readonly Operand[]): Match | 'ambiguous' | undefined {
  if (form.operands.length !== operands.length) return undefined
  let size: 16 | 32 | undefined
  let open = false
  let pinned = false
  for (const [index, pattern] of form.operands.entries()) {
    const fit = fitOperand(pattern, operands[index]!, size)
    if (fit === undefined) return undefined
    if (fit === 'any-size') open = true
    if (fit === 'sized') pinned = true
    if (fit === 16 || fit === 32) {
      if (size !== undefined && size !== fit) return undefined
      size = fit
      pinned = true
    }
  }
  if (open && !pinned) return 'ambiguous'
  if (size === undefined && form.operands.some((pattern) => pattern.startsWith('rel') && pattern !== 'rel8'))
    size = 16
  return { form, size }
}

type Fit = 'fits' | 'sized' | 'any-size' | 16 | 32 | undefined

const REGISTER_PATTERN = /^(r|rm|a)(8|16|32|v)$/

/** How well an operand fits a pattern; a number is the size that it gives to the `v` operands of the form. */
function fitOperand(pattern: string, operand: Operand, size: 16 | 32 | undefined): Fit {
  switch (operand.kind) {
    case 'register':
      return fitRegister(pattern, operand.name, operand.size)
    case 'segment':
      return pattern === 'sreg' || pattern === ['es', 'cs', 'ss', 'ds'][operand.code] ? 'fits' : undefined
    case 'memory':
      return fitMemory(pattern, operand)
    case 'far':
      return pattern === 'far' ? 'fits' : undefined
    case 'immediate':
      return fitImmediate(pattern, operand.value, size)
  }
}

function fitRegister(pattern: string, name: string, size: 8 | 16 | 32): Fit {
  if (pattern === name) return name === 'al' ? 'sized' : 'fits'
  const match = REGISTER_PATTERN.exec(pattern)
  if (match === null || (match[1] === 'a' && name !== 'ax' && name !== 'eax')) return undefined
  if (match[2] === 'v') return size === 8 ? undefined : size
  return Number(match[2]) === size ? (size === 32 ? 32 : 'sized') : undefined
}

function fitMemory(pattern: string, operand: Memory): Fit {
  if (pattern === 'm') return 'fits'
  if (pattern === 'moffs')
    return operand.base === undefined && operand.size === undefined ? 'fits' : undefined
  const match = /^rm(8|16|32|v)$/.exec(pattern)
  if (match === null) return undefined
  if (operand.size === undefined) return 'any-size'
  if (match[1] === 'v') return operand.size === 8 ? undefined : operand.size
  return Number(match[1]) === operand.size ? 'sized' : undefined
}

function fitImmediate(pattern: string, { number, movable }: Value, size: 16 | 32 | undefined): Fit {
  if (pattern === '1') return number === 1 && !movable ? 'fits' : undefined
  if (pattern === 'simm8') return !movable && isSignedByte(signed(number, size)) ? 'fits' : undefined
  return /^(imm|rel)/.test(pattern) ? 'fits' : undefined
}

/** What a number of 16 or 32 bits means when its highest bit is the sign: 0xfffc is -4. */
function signed(number: number, size: 16 | 32 = 16): number {
  return number >= 2 ** (size - 1) && number < 2 ** size ? number - 2 ** size : number
}

function isSignedByte(number: number): boolean {
  return number >= -128 && number <= 127
}

function emit(form: Form, size: 16 | 32 | undefined, operands: readonly Operand[], place: Place): Encoded {
  const bytes: number[] = []
  const memory = operands.find((operand) => operand.kind === 'memory')
  if (memory?.segment !== undefined) bytes.push(SEGMENT_PREFIX[memory.segment]!)
  if (size === 32) bytes.push(OPERAND_SIZE)
  bytes.push(...form.opcode)
  if (form.modrm === 'opcode')
    bytes[bytes.length - 1]! += registerCode(
      operands[form.operands.findIndex((pattern) => pattern[0] === 'r')],
    )
  else if (form.modrm !== undefined) bytes.push(...modrm(form, operands))
  return emitRest(form, size ?? 16, operands, place, bytes)
}

/** ModR/M and displacement: Intel SDM volume 2, section 2.1.5, table 2-1. */
function modrm(form: Form, operands: readonly Operand[]): number[] {
  const at = form.operands.findIndex((pattern) => pattern.startsWith('rm') || pattern === 'm')
  const target = operands[at]!
  const middle = form.modrm === 'r' ? registerCode(operands[1 - at]) : Number(form.modrm)
  if (target.kind !== 'memory') return [0xc0 | (middle << 3) | registerCode(target)]
  const { number, movable } = target.displacement
  if (target.base === undefined) return [(middle << 3) | 6, ...littleEndian(number, 2)]
  const low = (middle << 3) | target.base
  // mod 0 with r/m 6 means a bare address, so [bp] must carry a displacement of zero.
  if (number === 0 && !movable && target.base !== 6) return [low]
  if (!movable && isSignedByte(number)) return [0x40 | low, ...littleEndian(number, 1)]
  return [0x80 | low, ...littleEndian(number, 2)]
}

function registerCode(operand: Operand | undefined): number {
  return operand?.kind === 'register' || operand?.kind === 'segment' ? operand.code : 0
}

function emitRest(
  form: Form,
  size: 16 | 32,
  operands: readonly Operand[],
  place: Place,
  bytes: number[],
): Encoded {
  const far = operands.find((operand) => operand.kind === 'far')
  if (far !== undefined) {
    bytes.push(...littleEndian(far.offset.number, 2), ...littleEndian(far.segment.number, 2))
    return { bytes, outOfReach: false }
  }
  const address = operands.find((operand) => operand.kind === 'memory')
  if (form.follows.includes('ow') && address !== undefined) {
    bytes.push(...littleEndian(address.displacement.number, 2))
    return { bytes, outOfReach: false }
  }
  const immediate = operands.findLast((operand) => operand.kind === 'immediate')
  let outOfReach = false
  for (const what of form.follows) {
    const width = what[1] === 'b' ? 1 : what[1] === 'w' ? 2 : size / 8
    const branch = what[0] === 'c'
    const value = immediate?.value.number ?? 0
    const number =
      (form.operands.includes('simm8') ? signed(value, size) : value) -
      (branch ? place.address + bytes.length + width : 0)
    if (branch && width === 1 && (number < -128 || number > 127)) outOfReach = true
    bytes.push(...littleEndian(outOfReach ? 0 : number, width, branch))
  }
  return { bytes, outOfReach }
}

/** @throws LineFault when the number fits neither as signed nor as unsigned; a branch may wrap in its segment. */
export function littleEndian(number: number, width: number, wraps = false): number[] {
  const limit = 256 ** width
  if (!wraps && (number < -limit / 2 || number >= limit))
    throw new LineFault(`${number} does not fit in ${width} byte${width === 1 ? '' : 's'}.`)
  const unsigned = ((number % limit) + limit) % limit
  return Array.from({ length: width }, (_, index) => Math.floor(unsigned / 256 ** index) % 256)
}
