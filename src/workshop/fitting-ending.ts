import { extname } from 'node:path'
import { type Problem, VivariumError } from '../base/index.ts'
import { type DiskFormat, diskFormats } from '../disk/index.ts'
import type { ImageWish } from './plan-image.ts'

/** The format whose ending the name has; none when it has no ending, or one that no format uses. */
export function formatByEnding(name: string): DiskFormat | undefined {
  const extension = extname(name).toLowerCase()
  return diskFormats.find(({ extensions }) => extensions.includes(extension))
}

/**
 * Other programs go by the ending of a file. A profile does not lead to one that says something else; a format that
 * was asked for by name may, and a note tells of it.
 * @throws VivariumError kind `invalid`, code `ending-contradicts-profile`.
 */
export function endingNotes(
  name: string,
  wish: Pick<ImageWish, 'format' | 'profile'>,
  { name: format, extensions: [ending = ''] }: DiskFormat,
): Problem[] {
  const named = formatByEnding(name)
  if (named === undefined || named.name === format) return []
  const better = `${name.slice(0, -extname(name).length)}${ending}`
  if (wish.format === undefined)
    throw new VivariumError(
      'invalid',
      'ending-contradicts-profile',
      `The profile ${wish.profile} makes ${format.toUpperCase()}, and "${name}" has the ending of ${named.name.toUpperCase()}.`,
      { where: { path: name }, next: `Name it ${better}, or leave the profile out.` },
    )
  return [
    {
      code: 'ending-of-other-format',
      severity: 'note',
      message: `"${name}" has the ending of ${named.name.toUpperCase()}, and is ${format.toUpperCase()}: programs that go by the ending may refuse it.`,
      next: `Name it ${better}.`,
      where: { path: name },
    },
  ]
}
