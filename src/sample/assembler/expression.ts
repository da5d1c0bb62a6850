/**
 * The arithmetic of an assembler line: numbers, character constants, symbols, `$` (here), `$$` (the origin) and
 * C's operators with C's precedence, the way NASM writes them.
 */

/** A number, and whether it moves when code before it grows. What may move is never squeezed into a short form. */
export interface Value {
  readonly number: number
  readonly movable: boolean
}

export type Lookup = (name: string) => Value | undefined

/** A fault in one line; `assemble` adds the file and the line. */
export class LineFault extends Error {}

const TOKEN =
  /\s*(0x[0-9a-f]+|0b[01]+|\d+|'(?:[^'])*'|"(?:[^"])*"|<<|>>|\$\$|[$()+\-*/%&|^~]|[.a-z_][\w.]*)/iy

const PRECEDENCE: Record<string, number> = {
  '|': 1,
  '^': 2,
  '&': 3,
  '<<': 4,
  '>>': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
}

const OPERATION: Record<string, (a: number, b: number) => number> = {
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '&': (a, b) => a & b,
  '<<': (a, b) => a * 2 ** b,
  '>>': (a, b) => Math.floor(a / 2 ** b),
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => Math.trunc(a / b),
  '%': (a, b) => a % b,
}

/** @throws LineFault */
export function evaluate(text: string, lookup: Lookup): Value {
  const tokens = tokenize(text)
  let at = 0

  function operand(): Value {
    const token = tokens[at++]
    if (token === undefined) throw new LineFault(`The expression "${text.trim()}" ends too early.`)
    if (token === '-') return lift(operand(), (value) => -value)
    if (token === '+') return operand()
    if (token === '~') return lift(operand(), (value) => ~value)
    if (token === '(') {
      const inside = binary(1)
      if (tokens[at++] !== ')') throw new LineFault(`A closing parenthesis is missing in "${text.trim()}".`)
      return inside
    }
    return constantOf(token) ?? symbolOf(token, lookup)
  }

  function binary(level: number): Value {
    let left = operand()
    for (;;) {
      const operator = tokens[at]
      const precedence = operator === undefined ? undefined : PRECEDENCE[operator]
      if (operator === undefined || precedence === undefined || precedence < level) return left
      at++
      const right = binary(precedence + 1)
      left = {
        number: OPERATION[operator]!(left.number, right.number),
        movable: left.movable || right.movable,
      }
    }
  }

  const value = binary(1)
  if (at < tokens.length) throw new LineFault(`"${tokens[at]}" is not expected in "${text.trim()}".`)
  if (!Number.isSafeInteger(value.number)) throw new LineFault(`"${text.trim()}" is not a whole number.`)
  return value
}

function lift(value: Value, operation: (number: number) => number): Value {
  return { number: operation(value.number), movable: value.movable }
}

function constantOf(token: string): Value | undefined {
  if (/^\d/.test(token)) return { number: Number(token), movable: false }
  if (!/^['"]/.test(token)) return undefined
  // Several characters make a little-endian number, as in NASM: 'ab' is 0x6261.
  let number = 0
  for (const character of [...token.slice(1, -1)].reverse()) number = number * 256 + character.charCodeAt(0)
  return { number, movable: false }
}

function symbolOf(name: string, lookup: Lookup): Value {
  const value = lookup(name)
  if (value === undefined) throw new LineFault(`"${name}" is not defined.`)
  return value
}

function tokenize(text: string): string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const start = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (match === null) throw new LineFault(`"${text.slice(start).trim()}" cannot be read as a number.`)
    tokens.push(match[1]!)
  }
  return tokens
}
