import { VivariumError } from '../../base/index.ts'
import { idOf, PREFERENCES_LIMITS, type PreferencesElement } from './document.ts'
import { isName, isWritableText } from './syntax.ts'

/** One step of a key path: an element's name, and its id if it has one. Both have to agree (formats.md 1.6). */
export interface KeyStep {
  readonly name: string
  readonly id?: string
}

const STEP = /^([^[\]]+)(?:\[@id=(?:"([^"]*)"|'([^']*)'|([^\]"']*))\])?$/

/**
 * Reads Virtual Server's notation `a/b/c[@id=1]/d`, relative to the root element.
 * @throws VivariumError kind `invalid`, code `key-path`.
 */
export function parseKeyPath(text: string): KeyStep[] {
  const steps = text.split(/\/(?![^[]*\])/).map((part) => parseStep(part))
  if (steps.includes(undefined) || steps.length >= PREFERENCES_LIMITS.depth) {
    throw new VivariumError('invalid', 'key-path', `"${text}" is not a key path.`, {
      where: { field: text },
      next: 'Write it like hardware/super_io/floppy[@id=0]/pathname/relative.',
    })
  }
  return steps as KeyStep[]
}

function parseStep(part: string): KeyStep | undefined {
  const match = STEP.exec(part)
  if (!match || !isName(match[1]!)) return undefined
  const id = match[2] ?? match[3] ?? match[4]
  if (id !== undefined && !isWritableText(id)) return undefined
  return id === undefined ? { name: match[1]! } : { name: match[1]!, id }
}

export function formatKeyStep(step: KeyStep): string {
  if (step.id === undefined) return step.name
  return /^[\w.-]+$/.test(step.id) ? `${step.name}[@id=${step.id}]` : `${step.name}[@id="${step.id}"]`
}

export function formatKeyPath(steps: readonly KeyStep[]): string {
  return steps.map(formatKeyStep).join('/')
}

export function stepOf(element: PreferencesElement): KeyStep {
  const id = idOf(element)
  return id === undefined ? { name: element.name } : { name: element.name, id }
}

export function matchesStep(element: PreferencesElement, step: KeyStep): boolean {
  return element.name === step.name && idOf(element) === step.id
}
