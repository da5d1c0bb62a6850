import { evaluate, LineFault, type Lookup, type Value } from './expression.ts'

/** What stands between the commas of an instruction. Sizes in bits. */
export type Operand =
  | { readonly kind: 'register'; readonly name: string; readonly size: 8 | 16 | 32; readonly code: number }
  | { readonly kind: 'segment'; readonly code: number }
  | Memory
  | { readonly kind: 'immediate'; readonly value: Value; readonly size?: 8 | 16 | 32 }
  | { readonly kind: 'far'; readonly segment: Value; readonly offset: Value }

export interface Memory {
  readonly kind: 'memory'
  readonly size?: 8 | 16 | 32
  readonly segment?: number
  /** The r/m field of ModR/M; undefined: a bare address. */
  readonly base?: number
  readonly displacement: Value
}

/** Register codes: Intel SDM volume 2, section 3.1.1.1, table 3-1. */
const REGISTERS: Record<8 | 16 | 32, readonly string[]> = {
  8: ['al', 'cl', 'dl', 'bl', 'ah', 'ch', 'dh', 'bh'],
  16: ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'],
  32: ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'],
}
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs']
const SIZES: Record<string, 8 | 16 | 32> = { byte: 8, word: 16, dword: 32 }

/** 16-bit addressing forms, sorted names: Intel SDM volume 2, section 2.1.5, table 2-1. */
const BASES: Record<string, number> = {
  'bx+si': 0,
  'bx+di': 1,
  'bp+si': 2,
  'bp+di': 3,
  si: 4,
  di: 5,
  bp: 6,
  bx: 7,
}

/** @throws LineFault */
export function parseOperand(text: string, lookup: Lookup): Operand {
  const lower = text.trim().toLowerCase()
  for (const size of [8, 16, 32] as const) {
    const code = REGISTERS[size].indexOf(lower)
    if (code >= 0) return { kind: 'register', name: lower, size, code }
  }
  const segment = SEGMENTS.indexOf(lower)
  if (segment >= 0) return { kind: 'segment', code: segment }
  const sized = /^\s*(byte|word|dword)\s+(.*)$/i.exec(text)
  const size = sized === null ? undefined : SIZES[sized[1]!.toLowerCase()]
  const rest = (sized?.[2] ?? text).trim()
  if (rest.startsWith('[')) return parseMemory(rest, size, lookup)
  const far = /^([^:'"]+):([^:'"]+)$/.exec(rest)
  if (far !== null)
    return { kind: 'far', segment: evaluate(far[1]!, lookup), offset: evaluate(far[2]!, lookup) }
  return { kind: 'immediate', value: evaluate(rest, lookup), ...(size !== undefined && { size }) }
}

function parseMemory(text: string, size: 8 | 16 | 32 | undefined, lookup: Lookup): Memory {
  const inside = /^\[(?:\s*(es|cs|ss|ds|fs|gs)\s*:)?(.*)\]$/i.exec(text)
  if (inside === null) throw new LineFault(`"${text}" is not a memory operand.`)
  const registers: string[] = []
  const rest = inside[2]!.replace(/(^|\+)\s*(bx|bp|si|di)\b/gi, (_, sign: string, name: string) => {
    registers.push(name.toLowerCase())
    return `${sign}0`
  })
  const base = registers.length === 0 ? undefined : BASES[registers.sort().join('+')]
  if (registers.length > 0 && base === undefined)
    throw new LineFault(`[${registers.join('+')}] is not an address a 16-bit processor can form.`)
  return {
    kind: 'memory',
    displacement: evaluate(rest, lookup),
    ...(size !== undefined && { size }),
    ...(inside[1] !== undefined && { segment: SEGMENTS.indexOf(inside[1].toLowerCase()) }),
    ...(base !== undefined && { base }),
  }
}

/** Splits at the commas that stand outside quotes and brackets. */
export function splitList(text: string): string[] {
  const parts = text.match(/(?:'[^']*'|"[^"]*"|\[[^\]]*\]|[^,'"[])+/g) ?? []
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}
