import { VivariumError } from '../../base/index.ts'
import { partsOf } from './file-tree.ts'

/** A place in a disk; without a volume it is the only one, and without a path its first folder. */
export interface InsidePath {
  readonly volume?: number
  readonly path: string
}

/**
 * Reads how people write it: `1:/WINDOWS` always names the volume, `/1/WINDOWS` does where there is a volume of that
 * number, and `/WINDOWS` leaves it out.
 * @throws VivariumError kind `invalid` for a path with "..".
 */
export function parseInsidePath(text: string, volumes: readonly { readonly number: number }[]): InsidePath {
  const named = /^(\d+):(.*)$/s.exec(text)
  const parts = partsOf(named?.[2] ?? text)
  if (parts.includes('..') || parts.includes('.')) {
    throw new VivariumError('invalid', 'inside-path', `"${text}" is no path in a disk.`, {
      next: 'Write it from the first folder on, as in /1/WINDOWS/system32.',
    })
  }
  if (named !== null) return { volume: Number(named[1]), path: parts.join('/') }
  const number = /^\d+$/.test(parts[0] ?? '') ? Number(parts[0]) : undefined
  if (number !== undefined && volumes.some((volume) => volume.number === number))
    return { volume: number, path: parts.slice(1).join('/') }
  return { path: parts.join('/') }
}
