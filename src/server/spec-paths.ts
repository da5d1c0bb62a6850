import { isAbsolute } from 'node:path'
import { VivariumError } from '../base/index.ts'

/** Fields of an operation's spec that are text and no file of this computer; `inside` is a path on the guest's disk. */
const WORDS: ReadonlySet<string> = new Set(['format', 'subformat', 'profile', 'inside'])

/**
 * Every file that an operation's spec names, wherever it stands in it. @throws VivariumError kind `invalid`, code
 * `path-not-whole`.
 */
export function pathsIn(spec: unknown, field = 'spec'): string[] {
  if (typeof spec === 'string') return [wholePath(spec, field)]
  if (typeof spec !== 'object' || spec === null) return []
  if (Array.isArray(spec)) return spec.flatMap((each) => pathsIn(each, field))
  return Object.entries(spec).flatMap(([name, value]) => (WORDS.has(name) ? [] : pathsIn(value, name)))
}

/** The server was started in some folder, which means nothing to who asks. */
export function wholePath(path: string, field: string): string {
  if (isAbsolute(path)) return path
  throw new VivariumError('invalid', 'path-not-whole', `"${path}" is not a whole path.`, {
    where: { field },
    next: 'Name the file from the root of the file system on.',
  })
}
