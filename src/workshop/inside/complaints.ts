import { VivariumError } from '../../base/index.ts'
import type { SevenZipResult } from './seven-zip.ts'

export const NEXT_CHECK_IN_GUEST = 'Check its file system in the guest.'

/** What 7-Zip complains of and what is no fault of the volume. */
const HARMLESS = /Dangerous link|symbolic link|set file attribute|^(Archives with|Sub items) Errors/i
/** Of something without a name it says "ERROR: /in/volume : /in/volume". */
const ONLY_NAMES = /^(ERROR: )?\/in\/volume( : \/in\/volume)*$/
const NOT_OPENED = /Cannot open the file as \[(.+)\] archive/

/** @param helped Whether we read ourselves what it could not. */
export function problemOf(
  { code, errors, excused, trouble }: SevenZipResult,
  helped = false,
): VivariumError | undefined {
  if (trouble.error !== undefined) return trouble.error
  const told = errors.filter((line) => !(HARMLESS.test(line) || (helped && /Unsupported Method/.test(line))))
  if (code === 0 || (code <= 2 && told.length === 0 && errors.length + excused > 0)) return undefined
  return new VivariumError(
    'corrupt',
    'inside-damaged',
    code === 8 ? 'The file system would need more memory to be read than it may have.' : inSentence(told),
    { next: NEXT_CHECK_IN_GUEST },
  )
}

function inSentence(lines: readonly string[]): string {
  const telling = lines.filter((line) => /\w/.test(line) && !ONLY_NAMES.test(line))
  const [first] = telling
  if (first === undefined) return 'Not all of the file system can be read.'
  const kind = NOT_OPENED.exec(first)?.[1]
  if (kind !== undefined) return `The file system looks like ${kind}, and cannot be read as such.`
  const what = first.replace(/^ERROR: /, '').replaceAll('/in/volume', 'the volume')
  return `Not all of the file system can be read: ${what}.`
}
