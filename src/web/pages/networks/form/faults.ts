import type { FieldFault } from '../../../../base/index.ts'

/** The fault of a field: its own, or that of one of the values in its list. */
export function faultAt(faults: readonly FieldFault[], path: string): string | undefined {
  const own = faults.filter(({ field }) => field === path || field.startsWith(`${path}.`))
  return own.length === 0 ? undefined : own.map(({ message }) => message).join(' ')
}

/** The fault of a thing made of fields as a whole, which no field of it shows. */
export function faultOf(faults: readonly FieldFault[], path: string): string | undefined {
  return faults.find(({ field }) => field === path)?.message
}
