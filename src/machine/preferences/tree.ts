import { VivariumError } from '../../base/index.ts'
import { findElement } from './access.ts'
import {
  attributeOf,
  childrenOf,
  isLeaf,
  type PreferencesDocument,
  type PreferencesElement,
} from './document.ts'
import { removeGroup, removeValue, setValue } from './edit.ts'
import { formatKeyPath, stepOf } from './key-path.ts'
import { isLeafType, LEAF_FORMS, parseLeaf } from './values.ts'

/**
 * Values of any shape in the dialect, which only has groups and four kinds of leaf. So that what is read back is
 * what was written, to the type:
 *
 *     "text", true, 7           leaves of type string, boolean, integer
 *     0.5, -1, 2 ** 40, null    <a><decimal type="string">0.5</decimal></a>, <a><nothing type="boolean">true</nothing></a>
 *     [x, y]                    <a><count type="integer">2</count><item id="0" ...>x</item><item id="1" ...>y</item></a>
 *     {leaseSeconds: 60}        <a><lease_seconds type="integer">60</lease_seconds></a>
 *     {"x.y": 1}                <a><entry id="0"><key type="string">x.y</key><value type="integer">1</value></entry></a>
 *     {}                        <a><empty type="boolean">true</empty></a>
 */
export type Tree = string | number | boolean | null | readonly Tree[] | TreeGroup

/** Keys without a value are not written. */
export interface TreeGroup {
  readonly [key: string]: Tree | undefined
}

/** Keys that cannot be names of elements are written as entries. */
const PLAIN_KEY = /^[a-z][a-zA-Z0-9]*$/
const RESERVED = new Set(['decimal', 'nothing', 'count', 'item', 'entry', 'empty'])

function elementNameOf(key: string): string | undefined {
  if (!PLAIN_KEY.test(key) || RESERVED.has(key)) return undefined
  return key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`)
}

function keyOf(elementName: string): string {
  return elementName.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** What is at the key path; undefined when nothing is. @throws VivariumError kind `malformed` that names the element. */
export function readTree(document: PreferencesDocument, keyPath: string): Tree | undefined {
  const element = findElement(document, keyPath)
  return element && readElement(document, element, keyPath)
}

function readElement(document: PreferencesDocument, element: PreferencesElement, keyPath: string): Tree {
  if (isLeaf(element)) return readLeaf(document, element, keyPath)
  const children = childrenOf(element)
  const read = (child: PreferencesElement) =>
    readElement(document, child, `${keyPath}/${formatKeyPath([stepOf(child)])}`)
  const named = (name: string) => children.find((child) => child.name === name)
  const decimal = named('decimal')
  if (decimal !== undefined) return readDecimal(document, decimal, `${keyPath}/decimal`)
  if (named('nothing') !== undefined) return null
  if (named('count') !== undefined) return children.filter(({ name }) => name === 'item').map(read)
  const pairs = children
    .filter(({ name }) => name !== 'empty')
    .map((child): [string, Tree] => {
      if (child.name !== 'entry') return [keyOf(child.name), read(child)]
      const { key, value = null } = read({ ...child, name: 'pair' }) as TreeGroup
      return [String(key ?? ''), value]
    })
  // Of equal siblings the first counts, as everywhere in the dialect.
  return Object.fromEntries(pairs.reverse())
}

function readLeaf(document: PreferencesDocument, element: PreferencesElement, keyPath: string): Tree {
  const type = attributeOf(element, 'type') ?? 'string'
  if (type === 'bytes') return element.text.trim()
  const value = isLeafType(type) ? parseLeaf(type, element.text) : undefined
  if (value !== undefined) return value as string | number | boolean
  const what = isLeafType(type) ? `is not ${LEAF_FORMS[type]}` : `has the unknown type "${type}"`
  throw malformed(document, keyPath, `The value "${element.text.slice(0, 40)}" ${what}.`)
}

function readDecimal(document: PreferencesDocument, element: PreferencesElement, keyPath: string): number {
  const value = Number(element.text)
  if (element.text.trim() !== '' && Number.isFinite(value)) return value
  throw malformed(document, keyPath, `"${element.text.slice(0, 40)}" is not a number.`)
}

function malformed(document: PreferencesDocument, field: string, message: string): VivariumError {
  return new VivariumError('malformed', 'leaf-value', message, {
    where: { path: document.path, field },
    next: 'Correct the value in the file.',
  })
}

/**
 * Makes of what was `before` (as it was understood) what is `after`, and touches nothing that is the same in both:
 * keys that were not understood stay, and so does every spelling.
 */
export function updateTree(
  document: PreferencesDocument,
  keyPath: string,
  before: TreeGroup,
  after: TreeGroup,
): void {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [ownValue(before, key), ownValue(after, key)]
    if (isSameTree(old, now)) continue
    const name = elementNameOf(key)
    if (name === undefined) {
      // Entries are numbered, so one that comes or goes moves the others: the group is written as a whole.
      writeTree(document, keyPath, after)
      return
    }
    const path = `${keyPath}/${name}`
    if (isTreeGroup(old) && isTreeGroup(now) && hasValues(old) && hasValues(now))
      updateTree(document, path, old, now)
    else writeTree(document, path, now)
  }
}

/** Never what a group has from JavaScript: `valueOf` and `constructor` are keys like others. */
function ownValue(group: TreeGroup, key: string): Tree | undefined {
  return Object.hasOwn(group, key) ? group[key] : undefined
}

function hasValues(group: TreeGroup): boolean {
  return Object.values(group).some((value) => value !== undefined)
}

/** Replaces all that is at the key path; undefined removes it. */
export function writeTree(document: PreferencesDocument, keyPath: string, value: Tree | undefined): void {
  const old = findElement(document, keyPath)
  const staysLeaf = old !== undefined && isLeaf(old) && value !== undefined && isLeafTree(value)
  if (old !== undefined && !staysLeaf) (isLeaf(old) ? removeValue : removeGroup)(document, keyPath)
  if (value !== undefined) addTree(document, keyPath, value)
}

function addTree(document: PreferencesDocument, keyPath: string, value: Tree): void {
  if (typeof value === 'string') setValue(document, keyPath, 'string', value)
  else if (typeof value === 'boolean') setValue(document, keyPath, 'boolean', value)
  else if (typeof value === 'number' && isInteger(value)) setValue(document, keyPath, 'integer', value)
  else if (typeof value === 'number')
    setValue(document, `${keyPath}/decimal`, 'string', Object.is(value, -0) ? '-0' : String(value))
  else if (value === null) setValue(document, `${keyPath}/nothing`, 'boolean', true)
  else if (isList(value)) {
    setValue(document, `${keyPath}/count`, 'integer', value.length)
    for (const [index, item] of value.entries()) addTree(document, `${keyPath}/item[@id=${index}]`, item)
  } else addGroup(document, keyPath, value)
}

/** Written as one leaf. */
function isLeafTree(value: Tree): boolean {
  return typeof value === 'number' ? isInteger(value) : typeof value !== 'object'
}

/** Of the dialect: unsigned, 32 bits. Minus zero is none. */
function isInteger(value: number): boolean {
  return value >>> 0 === value && !Object.is(value, -0)
}

function addGroup(document: PreferencesDocument, keyPath: string, group: TreeGroup): void {
  const pairs = Object.entries(group).filter((pair): pair is [string, Tree] => pair[1] !== undefined)
  if (pairs.length === 0) setValue(document, `${keyPath}/empty`, 'boolean', true)
  let entries = 0
  for (const [key, value] of pairs) {
    const name = elementNameOf(key)
    if (name !== undefined) addTree(document, `${keyPath}/${name}`, value)
    else {
      const entry = `${keyPath}/entry[@id=${entries++}]`
      setValue(document, `${entry}/key`, 'string', key)
      addTree(document, `${entry}/value`, value)
    }
  }
}

export function isTreeGroup(value: Tree | undefined): value is TreeGroup {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: Tree): value is readonly Tree[] {
  return Array.isArray(value)
}

/** JSON leaves keys without a value out, as the file does. */
function isSameTree(a: Tree | undefined, b: Tree | undefined): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

function sorted(value: Tree | undefined): Tree | undefined {
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.map((item) => sorted(item) ?? null)
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  )
}
