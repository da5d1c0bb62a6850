// Which unit tests need not run again: those that passed, and of which nothing has changed since, neither their own text
// nor that of any file below them. Only for the developer's loop; `npm test` runs all of them.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Files that another one names: by an import, or as the program of a process that it starts. */
const NAMED = /['"`](\.{1,2}\/[^'"`\n]+?\.(?:[cm]?js|tsx?|json|asm|css))['"`]/g

export class Unchanged {
  #root
  #record
  #passed
  #common
  #texts = new Map()

  /** @param record Where it is kept what has passed. @param common Files that every test depends on. */
  constructor(root, record, common) {
    this.#root = root
    this.#record = join(root, record)
    this.#passed = existsSync(this.#record) ? JSON.parse(readFileSync(this.#record, 'utf8')) : {}
    this.#common = common.map((name) => readFileSync(join(root, name), 'utf8')).join('\0')
  }

  /** Those of the tests that have to run. */
  among(tests) {
    return tests.filter((test) => this.#looksAround(test) || this.#passed[test] !== this.#hashOf(test))
  }

  remember(tests) {
    for (const test of tests) this.#passed[test] = this.#hashOf(test)
    mkdirSync(dirname(this.#record), { recursive: true })
    writeFileSync(this.#record, JSON.stringify(this.#passed))
  }

  /** Tests that read what lies around them, such as the corpus or all of the sources, always run. */
  #looksAround(test) {
    return /import\.meta\.|corpus/.test(this.#read(join(this.#root, test)).text)
  }

  #hashOf(test) {
    const hash = createHash('sha256').update(this.#common)
    const seen = new Set([join(this.#root, test)])
    for (const path of seen) {
      const { text, named } = this.#read(path)
      hash.update(path).update(text)
      for (const next of named) seen.add(next)
    }
    return hash.digest('hex')
  }

  #read(path) {
    const known = this.#texts.get(path)
    if (known !== undefined) return known
    const text = readFileSync(path, 'utf8')
    const named = [...text.matchAll(NAMED)]
      .map(([, name]) => resolve(dirname(path), name))
      .filter((name) => existsSync(name) && statSync(name).isFile())
    const read = { text, named }
    this.#texts.set(path, read)
    return read
  }
}
