import type { Problem } from '../../base/index.ts'
import { childrenNamed, describeBadLeaf, findChild } from './access.ts'
import {
  attributeOf,
  childrenOf,
  idOf,
  isLeaf,
  type PreferencesDocument,
  type PreferencesElement,
} from './document.ts'
import { formatKeyPath, formatKeyStep, parseKeyPath, stepOf } from './key-path.ts'
import { isLeafType, type LeafType, type LeafValues, parseLeaf } from './values.ts'

/**
 * Reads a group of keys with tolerance: what is absent is undefined, what is wrong is undefined and a problem.
 * The caller says which type it expects; a leaf that declares another, or none, is still read as expected,
 * because files written by hand often do not care (formats.md 1.9).
 */
export class GroupReader {
  /** From the root element, for problems. */
  readonly keyPath: string
  readonly #element: PreferencesElement | undefined
  readonly #path: string
  readonly #problems: Problem[]

  private constructor(
    element: PreferencesElement | undefined,
    keyPath: string,
    path: string,
    problems: Problem[],
  ) {
    this.#element = element
    this.keyPath = keyPath
    this.#path = path
    this.#problems = problems
  }

  static root(document: PreferencesDocument, problems: Problem[]): GroupReader {
    return new GroupReader(document.root, '', document.path, problems)
  }

  get exists(): boolean {
    return this.#element !== undefined
  }

  get element(): PreferencesElement | undefined {
    return this.#element
  }

  /** The id attribute as a small number; undefined when it is absent or anything else. */
  get index(): number | undefined {
    const id = this.#element && idOf(this.#element)
    return id !== undefined && /^\d{1,5}$/.test(id) ? Number(id) : undefined
  }

  /** The group below; it exists or not. */
  group(keyPath: string): GroupReader {
    let element = this.#element
    for (const step of parseKeyPath(keyPath)) element = element && findChild(element, step)
    return this.#below(element, keyPath)
  }

  /** All groups of a name that have an id, in the order of the file. */
  groups(name: string): GroupReader[] {
    return childrenNamed(this.#element, name)
      .filter((element) => idOf(element) !== undefined)
      .map((element) => this.#below(element, formatKeyStep(stepOf(element))))
  }

  /** Every child that is a group, whatever its name. */
  childGroups(): GroupReader[] {
    return (this.#element ? childrenOf(this.#element) : [])
      .filter((element) => !isLeaf(element))
      .map((element) => this.#below(element, formatKeyPath([stepOf(element)])))
  }

  string(keyPath: string): string | undefined {
    return this.#leaf(keyPath, 'string')
  }

  /** A string that is not empty. */
  text(keyPath: string): string | undefined {
    return this.#leaf(keyPath, 'string') || undefined
  }

  integer(keyPath: string): number | undefined {
    return this.#leaf(keyPath, 'integer')
  }

  boolean(keyPath: string): boolean | undefined {
    return this.#leaf(keyPath, 'boolean')
  }

  bytes(keyPath: string): Uint8Array | undefined {
    return this.#leaf(keyPath, 'bytes')
  }

  /** Adds a problem about this group, or about a key in it. */
  problem(code: string, severity: Problem['severity'], message: string, next?: string, key?: string): void {
    const field = [this.keyPath, key].filter((part) => part).join('/')
    this.#problems.push({
      code,
      severity,
      message,
      where: { path: this.#path, ...(field !== '' && { field }) },
      ...(next !== undefined && { next }),
    })
  }

  #below(element: PreferencesElement | undefined, keyPath: string): GroupReader {
    const full = this.keyPath === '' ? keyPath : `${this.keyPath}/${keyPath}`
    return new GroupReader(element, full, this.#path, this.#problems)
  }

  #leaf<Type extends LeafType>(keyPath: string, type: Type): LeafValues[Type] | undefined {
    const element = this.group(keyPath).#element
    if (!element) return undefined
    if (childrenOf(element).length > 0) {
      this.problem('key-invalid', 'warning', 'It is a group, where a value belongs.', IGNORED, keyPath)
      return undefined
    }
    // An empty number is what a product writes before there is one: the same as none (formats.md 1.3).
    if (element.text.trim() === '' && type !== 'string') return undefined
    const value = parseLeaf(type, element.text)
    if (value === undefined) {
      this.problem('key-invalid', 'warning', describeBadLeaf(type, element.text), IGNORED, keyPath)
      return undefined
    }
    const declared = attributeOf(element, 'type')
    if (declared !== undefined && declared !== type) {
      const known = isLeafType(declared) ? 'the type' : 'the unknown type'
      this.problem(
        'key-type',
        'note',
        `The key has ${known} "${declared}" instead of "${type}"; it was read as "${type}".`,
        undefined,
        keyPath,
      )
    }
    return value
  }
}

const IGNORED = 'It is read as if it were not there: correct it in the file.'
