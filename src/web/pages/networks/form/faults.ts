import type { FieldFault } from '../../../../base/index.ts'

/**
 * The fault of a field: its own, that of one of the values in its list, or that of a thing which is made of this field
 * and others (`vendorClass` of `vendorClass.prefix`). @param at Where its section or row lies
 */
export function faultAt(faults: readonly FieldFault[], path: string, at: string): string | undefined {
  const own = faults.filter(
    ({ field }) =>
      field === path ||
      field.startsWith(`${path}.`) ||
      (path.startsWith(`${field}.`) && field.startsWith(`${at}.`)),
  )
  return own.length === 0 ? undefined : own.map(({ message }) => message).join(' ')
}

/** The fault of a thing made of fields as a whole, which no field of it shows. */
export function faultOf(faults: readonly FieldFault[], path: string): string | undefined {
  const own = faults.filter(({ field }) => field === path)
  return own.length === 0 ? undefined : own.map(({ message }) => message).join(' ')
}

/** Whether there is a fault at one of the fields or below. @param at Where their section or row lies */
export function hasFault(
  faults: readonly FieldFault[],
  fields: readonly { readonly name: string }[],
  at: string,
): boolean {
  return fields.some(({ name }) => faultAt(faults, `${at}.${name}`, at) !== undefined)
}
