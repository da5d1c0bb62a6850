import { VivariumError } from '../../base/index.ts'
import {
  attributeOf,
  childrenOf,
  isLeaf,
  type PreferencesDocument,
  type PreferencesElement,
} from './document.ts'
import { type KeyStep, matchesStep, parseKeyPath } from './key-path.ts'
import { isLeafType, LEAF_FORMS, type LeafValue, parseLeaf } from './values.ts'

/** The first element at the key path; '' is the root. Of siblings with equal name and id, the first counts. */
export function findElement(document: PreferencesDocument, keyPath: string): PreferencesElement | undefined {
  let element: PreferencesElement | undefined = document.root
  for (const step of keyPath === '' ? [] : parseKeyPath(keyPath)) {
    if (!element) return undefined
    element = findChild(element, step)
  }
  return element
}

export function findChild(element: PreferencesElement, step: KeyStep): PreferencesElement | undefined {
  for (const item of element.content) if (typeof item !== 'string' && matchesStep(item, step)) return item
  return undefined
}

/** Children of that name with any id or none, in the order of the file. */
export function childrenNamed(element: PreferencesElement | undefined, name: string): PreferencesElement[] {
  return element ? childrenOf(element).filter((child) => child.name === name) : []
}

/**
 * The value of a leaf by the type it declares (`string` where it declares none); undefined when it is absent.
 * @throws VivariumError kind `malformed` when its text is no such value; kind `invalid` when it is a group.
 */
export function getValue(document: PreferencesDocument, keyPath: string): LeafValue | undefined {
  const element = findElement(document, keyPath)
  if (!element) return undefined
  if (!isLeaf(element)) {
    throw new VivariumError('invalid', 'key-is-group', `${keyPath} is a group of keys, not a value.`, {
      where: { path: document.path, field: keyPath },
    })
  }
  const type = attributeOf(element, 'type') ?? 'string'
  const value = isLeafType(type) ? parseLeaf(type, element.text) : undefined
  if (value !== undefined) return value
  throw new VivariumError('malformed', 'leaf-value', describeBadLeaf(type, element.text), {
    where: { path: document.path, field: keyPath },
    next: 'Correct the value in the file.',
  })
}

export function describeBadLeaf(type: string, text: string): string {
  const shown = text.length > 40 ? `${text.slice(0, 40)}...` : text
  return isLeafType(type)
    ? `The value "${shown}" is not ${LEAF_FORMS[type]}.`
    : `The value has the unknown type "${type}".`
}
