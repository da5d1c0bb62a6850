import { VivariumError } from '../base/index.ts'

/** A machine is called as its file is, so its name has to be a file name on every system (formats.md 2.9). */
const FORBIDDEN = /[*?:<>/|\\"]/
/** Virtual Server allows 256 and gets into trouble at about 150, because the folder has the same name. */
const MAX_NAME_LENGTH = 150
/** Bytes that a file name may have on Linux, less the longest thing appended to a machine's name. */
const MAX_NAME_BYTES = 255 - ' Hard Disk.vhd'.length

/** @throws VivariumError kind `invalid`, code `machine-name`, that says what is wrong with the name. */
export function checkMachineName(name: string): void {
  const fault = faultOf(name)
  if (fault === undefined) return
  throw new VivariumError('invalid', 'machine-name', fault, {
    where: { field: 'name' },
    next: 'Choose another name.',
  })
}

/** Machine names are compared without regard to case. */
export function isSameMachineName(a: string, b: string): boolean {
  return a.normalize('NFC').toLowerCase() === b.normalize('NFC').toLowerCase()
}

function faultOf(name: string): string | undefined {
  if (name.trim() === '') return 'A machine needs a name.'
  const forbidden = FORBIDDEN.exec(name)?.[0]
  if (forbidden !== undefined) return `The name contains ${forbidden}, which no file name can have.`
  // With the invisible ones that turn the direction of writing, and so show another name than they are.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(name) || !name.isWellFormed())
    return 'The name contains a control character.'
  if (name !== name.trim() || name.startsWith('.') || name.endsWith('.'))
    return 'The name begins or ends with a blank or a dot.'
  if (/^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i.test(name))
    return `Windows keeps the name ${name} for a device.`
  if (name.length > MAX_NAME_LENGTH)
    return `The name has ${name.length} characters; ${MAX_NAME_LENGTH} are allowed.`
  const bytes = new TextEncoder().encode(name).length
  if (bytes > MAX_NAME_BYTES) return `The name has ${bytes} bytes in UTF-8; ${MAX_NAME_BYTES} are allowed.`
  return undefined
}
