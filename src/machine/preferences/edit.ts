import { VivariumError } from '../../base/index.ts'
import { findChild } from './access.ts'
import {
  attributeOf,
  childrenOf,
  isLeaf,
  type PreferencesAttribute,
  type PreferencesDocument,
  type PreferencesElement,
} from './document.ts'
import { formatKeyPath, type KeyStep, parseKeyPath } from './key-path.ts'
import { encodeAttribute, encodeCharacters } from './syntax.ts'
import { formatLeaf, type LeafType, type LeafValues, parseLeaf } from './values.ts'

/**
 * Changes to a document. What is not touched keeps its text; what is new is laid out as Virtual PC does: one TAB
 * per level, at the end of its group (where later products append their keys too, formats.md 1.7).
 */

/**
 * Sets a leaf and makes the groups on the way that are missing. A leaf that has this value and type already is
 * left exactly as it is written.
 * @throws VivariumError kind `invalid`: not a key path, a group where a leaf should be, a value beyond its type.
 */
export function setValue<Type extends LeafType>(
  document: PreferencesDocument,
  keyPath: string,
  type: Type,
  value: LeafValues[Type],
): void {
  const steps = parseKeyPath(keyPath)
  const text = formatLeaf(type, value, keyPath)
  let group = document.root
  for (const [i, step] of steps.slice(0, -1).entries()) {
    group = findChild(group, step) ?? addElement(document, group, i + 1, newGroup(step))
    if (isLeaf(group)) throw clash(document, steps.slice(0, i + 1), 'a value, not a group of keys')
  }
  const last = steps.at(-1)!
  const leaf = findChild(group, last)
  if (leaf && childrenOf(leaf).length > 0) throw clash(document, steps, 'a group of keys, not a value')
  if (leaf) rewriteLeaf(document, leaf, type, text)
  else addElement(document, group, steps.length, newLeaf(document, last, type, text))
}

/** Removes a leaf. False when there is none. @throws VivariumError kind `invalid` when it is a group. */
export function removeValue(document: PreferencesDocument, keyPath: string): boolean {
  return remove(document, keyPath, (element) => childrenOf(element).length === 0, 'a group of keys')
}

/** Removes a group with everything in it. False when there is none. @throws kind `invalid` when it is a leaf. */
export function removeGroup(document: PreferencesDocument, keyPath: string): boolean {
  return remove(document, keyPath, (element) => !isLeaf(element), 'a value')
}

function remove(
  document: PreferencesDocument,
  keyPath: string,
  allowed: (element: PreferencesElement) => boolean,
  otherwise: string,
): boolean {
  const steps = parseKeyPath(keyPath)
  let parent: PreferencesElement | undefined = document.root
  for (const step of steps.slice(0, -1)) parent = parent && findChild(parent, step)
  const element = parent && findChild(parent, steps.at(-1)!)
  if (!parent || !element) return false
  if (!allowed(element)) throw clash(document, steps, otherwise)
  const at = parent.content.indexOf(element)
  const previous = parent.content[at - 1]
  const following = parent.content[at + 1]
  // The line goes with its element, and the two pieces of text that are neighbours now become one.
  const before = typeof previous === 'string' ? splitIndentation(previous).text : ''
  const after = typeof following === 'string' ? following : ''
  const from = typeof previous === 'string' ? at - 1 : at
  const to = typeof following === 'string' ? at + 2 : at + 1
  parent.content.splice(from, to - from, ...(before + after === '' ? [] : [before + after]))
  return true
}

function rewriteLeaf(
  document: PreferencesDocument,
  leaf: PreferencesElement,
  type: LeafType,
  text: string,
): void {
  if (attributeOf(leaf, 'type') === type && isSameValue(leaf, type, text)) return
  const others = leaf.attributes.filter((attribute) => attribute.name !== 'type')
  Object.assign(leaf, leafTags(document, leaf.name, [...others, { name: 'type', value: type }], text))
  leaf.content.splice(0, leaf.content.length, ...leafContent(document, text))
}

/** " 7" is 7 and "TRUE" is true: such spellings stay as long as the value does. */
function isSameValue(leaf: PreferencesElement, type: LeafType, text: string): boolean {
  if (leaf.text === text) return true
  const value = type === 'string' ? undefined : parseLeaf(type, leaf.text)
  return value !== undefined && formatLeaf(type, value, leaf.name) === text
}

function newLeaf(
  document: PreferencesDocument,
  step: KeyStep,
  type: LeafType,
  text: string,
): PreferencesElement {
  const attributes = [...idAttribute(step), { name: 'type', value: type }]
  const tags = leafTags(document, step.name, attributes, text)
  return { name: step.name, ...tags, content: leafContent(document, text) }
}

/** `<name type="string">...</name>`, and `<name type="string" />` for the empty text. */
function leafTags(
  document: PreferencesDocument,
  name: string,
  attributes: readonly PreferencesAttribute[],
  text: string,
): Pick<PreferencesElement, 'attributes' | 'open' | 'close' | 'text'> {
  const head = `<${name}${formatAttributes(attributes)}`
  const empty = leafContent(document, text).length === 0
  return { attributes, text, open: empty ? `${head} />` : `${head}>`, close: empty ? '' : `</${name}>` }
}

function leafContent(document: PreferencesDocument, text: string): string[] {
  return text === '' ? [] : [encodeCharacters(text, document.lineEnd)]
}

function newGroup(step: KeyStep): PreferencesElement {
  const attributes = idAttribute(step)
  return {
    name: step.name,
    attributes,
    open: `<${step.name}${formatAttributes(attributes)}>`,
    content: [],
    close: `</${step.name}>`,
    text: '',
  }
}

function idAttribute(step: KeyStep): PreferencesAttribute[] {
  return step.id === undefined ? [] : [{ name: 'id', value: step.id }]
}

function formatAttributes(attributes: readonly PreferencesAttribute[]): string {
  return attributes.map(({ name, value }) => ` ${name}="${encodeAttribute(value)}"`).join('')
}

/** Puts the element on a line of its own, the last of the group; `depth` counts from the root's children = 1. */
function addElement(
  document: PreferencesDocument,
  group: PreferencesElement,
  depth: number,
  element: PreferencesElement,
): PreferencesElement {
  if (group.close === '') {
    group.open = `${group.open.slice(0, -2).trimEnd()}>`
    group.close = `</${group.name}>`
  }
  const line = (level: number) => document.lineEnd + '\t'.repeat(level)
  const last = group.content.at(-1)
  const { text, indentation } = splitIndentation(typeof last === 'string' ? last : '')
  if (typeof last === 'string') group.content.pop()
  group.content.push(text + line(depth), element, indentation === '' ? line(depth - 1) : indentation)
  return element
}

/** Cuts the last line end and the blanks after it off; '' when the last line holds anything else. */
function splitIndentation(text: string): { text: string; indentation: string } {
  let at = text.length
  while (text[at - 1] === ' ' || text[at - 1] === '\t') at--
  if (text[at - 1] === '\n') at -= text[at - 2] === '\r' ? 2 : 1
  else if (text[at - 1] === '\r') at--
  else return { text, indentation: '' }
  return { text: text.slice(0, at), indentation: text.slice(at) }
}

function clash(document: PreferencesDocument, steps: readonly KeyStep[], what: string): VivariumError {
  const field = formatKeyPath(steps)
  return new VivariumError('invalid', 'key-clash', `${field} is ${what}.`, {
    where: { path: document.path, field },
  })
}
