import { type FieldFault, VivariumError } from '../base/index.ts'

/** What is wrong with a network's settings, gathered: an owner mends all of it at once. */
export class Faults {
  readonly #section: string
  readonly #next: string
  readonly #code: string
  readonly #found: FieldFault[] = []

  /** @param section Of the settings, such as `dhcp`: in front of each field. @param next What is to be done. */
  constructor(section: string, next: string, code = `${section}-settings`) {
    this.#section = section
    this.#next = next
    this.#code = code
  }

  /** @param field Below the section; empty: of the section as a whole. */
  add(field: string, message: string): void {
    const path = field === '' ? this.#section : `${this.#section}.${field}`
    this.#found.push({ field: path, message })
  }

  get isEmpty(): boolean {
    return this.#found.length === 0
  }

  /** All of it. */
  error(): VivariumError {
    return refusal(this.#code, this.#found, this.#next)
  }

  /** @throws VivariumError kind `invalid` with all that is wrong. */
  throwIfAny(): void {
    if (!this.isEmpty) throw this.error()
  }
}

/** Makes every check, whatever the ones before it say. @throws as `throwTogether` */
export function checkAll(checks: readonly (() => unknown)[]): void {
  throwTogether(checks.flatMap(errorOf))
}

/** @throws VivariumError the one that there is, or one with the faults of all */
export function throwTogether(errors: readonly VivariumError[]): void {
  const [first] = errors
  if (first === undefined) return
  const faults = errors.flatMap(faultsOf)
  if (errors.length === 1) throw first
  const isSame = errors.every(({ code }) => code === first.code)
  throw refusal(isSame ? first.code : 'network-settings', faults, isSame ? first.next : undefined)
}

/** A refusal as faults: what it carries, or else itself. */
export function faultsOf(error: VivariumError): readonly FieldFault[] {
  if (error.faults.length > 0) return error.faults
  return [{ field: error.where.field ?? '', message: error.message }]
}

/** @param found At least one; two checks may find the same. */
export function refusal(
  code: string,
  found: readonly FieldFault[],
  next = 'Change the settings of the network.',
): VivariumError {
  const faults = [...new Map(found.map((fault) => [`${fault.field}\n${fault.message}`, fault])).values()]
  const messages = [...new Set(faults.map(({ message }) => message))]
  return new VivariumError('invalid', code, messages.join(' '), {
    where: { field: faults[0]!.field },
    next,
    faults,
  })
}

function errorOf(check: () => unknown): VivariumError[] {
  try {
    check()
    return []
  } catch (error) {
    if (error instanceof VivariumError) return [error]
    throw error
  }
}
