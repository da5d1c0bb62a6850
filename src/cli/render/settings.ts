import { renderFacts } from './table.ts'

/** Settings of any shape, a line a value: "dhcp.reservations.1.mac   00:03:ff:00:00:01". Lists count from 1. */
export function renderSettings(settings: object): string {
  return renderFacts(linesOf(settings, ''))
}

function linesOf(value: unknown, path: string): [string, string][] {
  if (Array.isArray(value)) {
    const isPlain = value.every((item) => typeof item !== 'object' || item === null)
    if (isPlain) return value.length === 0 ? [] : [[path, value.join(', ')]]
    return value.flatMap((item, index) => linesOf(item, `${path}.${index + 1}`))
  }
  if (typeof value !== 'object' || value === null) return value === undefined ? [] : [[path, String(value)]]
  return Object.entries(value).flatMap(([key, item]) => linesOf(item, path === '' ? key : `${path}.${key}`))
}
