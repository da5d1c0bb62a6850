/** A network's settings while somebody types: JSON with what is typed in it, right or wrong. */
export type Draft = { readonly [name: string]: unknown }

/** What lies at a path such as `dhcp.reservations.0.mac`. */
export function valueAt(draft: unknown, path: string): unknown {
  let value = draft
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

/**
 * A copy with another value there; undefined takes the name away, and the object that it alone was in. Sections and
 * rows stay, empty as they are: that they are there means something.
 */
export function withValue(draft: Draft, path: string, value: unknown): Draft {
  return put(draft, path.split('.'), value, 0) as Draft
}

function put(into: unknown, [name = '', ...rest]: readonly string[], value: unknown, depth: number): unknown {
  const next = (old: unknown) => (rest.length === 0 ? value : put(old, rest, value, depth + 1))
  if (/^\d+$/.test(name)) {
    const rows = Array.isArray(into) ? [...into] : []
    rows[Number(name)] = next(rows[Number(name)]) ?? {}
    return rows
  }
  const copy: Record<string, unknown> = { ...(into as object | undefined) }
  const changed = next(copy[name])
  if (changed === undefined) delete copy[name]
  else copy[name] = changed
  return depth > 1 && Object.keys(copy).length === 0 ? undefined : copy
}

export function rowsAt(draft: Draft, path: string): readonly unknown[] {
  const value = valueAt(draft, path)
  return Array.isArray(value) ? value : []
}

/** As it stands in a text field. */
export function textAt(draft: Draft, path: string): string {
  const value = valueAt(draft, path)
  if (value === undefined || value === null) return ''
  return Array.isArray(value) ? value.join(', ') : String(value)
}

/** A number once it is one; what else was typed stays text, so that the fault can be shown at it. */
export function numberOf(text: string): number | string | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed
}

/** "0, 1c" of base 16 -> [0, 28]; what is no number stays text, so that the fault can be shown at it. */
export function numbersOf(text: string, base: 10 | 16): (number | string)[] | undefined {
  const digits = base === 16 ? /^(?:0x)?[\da-f]+$/i : /^\d+$/
  return listOf(text)?.map((part) => (digits.test(part) ? Number.parseInt(part, base) : part))
}

/** The reverse; bytes of base 16 have two digits. */
export function numbersText(value: unknown, base: 10 | 16): string {
  if (!Array.isArray(value)) return ''
  const textOf = (one: unknown) =>
    typeof one === 'number'
      ? one
          .toString(base)
          .toUpperCase()
          .padStart(base === 16 ? 2 : 1, '0')
      : String(one)
  return value.map(textOf).join(', ')
}

/** "a, b" -> ["a", "b"]; nothing -> undefined. */
export function listOf(text: string): string[] | undefined {
  const parts = text.split(',').map((part) => part.trim())
  return parts.every((part) => part === '') ? undefined : parts.filter((part) => part !== '')
}
