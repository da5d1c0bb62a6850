import type { Problem } from '../../../base/index.ts'
import type { ParentReference } from '../../format.ts'

/**
 * How an image names what lies below it (specification, bytes 8 to 19 and "Backing file format name string"): one
 * text, a path relative to the image's folder or absolute, and the format as QEMU calls it. There is no id.
 */
const OUR_NAMES: Readonly<Record<string, string>> = { vpc: 'vhd' }

/** QEMU takes everything before a colon for a protocol, unless a slash comes first. */
const PROTOCOL = /^([a-z][a-z0-9+.-]+):/i

export interface Backing {
  readonly reference: ParentReference
  readonly problems: readonly Problem[]
}

export function backingOf(name: string, qemuFormat: string | undefined, path: string): Backing {
  const file = name.replace(/^file:/, '')
  const protocol = PROTOCOL.exec(file)?.[1]
  const where = { path, field: 'backing file' }
  const problems: Problem[] = []
  if (protocol !== undefined) {
    problems.push({
      code: 'qcow2-backing-protocol',
      severity: 'error',
      message: `The backing file is named by "${protocol}:", which is no path of a file: ${shown(name)}.`,
      next: 'Name a file instead: qemu-img rebase -u -b FILE -F FORMAT.',
      where,
    })
  }
  if (qemuFormat === undefined) {
    problems.push({
      code: 'qcow2-backing-format-missing',
      severity: 'warning',
      message: 'The image does not say which format its backing file has: it is guessed from its content.',
      next: 'A guest that wrote to a raw backing file can make it look like another format. Record it: qemu-img rebase -u -F FORMAT.',
      where,
    })
  }
  const kind = /^(\/|\\\\|[a-z]:[\\/])/i.test(file) ? 'absolute' : 'relative'
  return {
    reference: {
      stamp: 0,
      names: protocol === undefined ? [{ kind, text: file }] : [],
      ...(qemuFormat !== undefined && { format: OUR_NAMES[qemuFormat] ?? qemuFormat }),
    },
    problems,
  }
}

function shown(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text
}

/** The name that QEMU, and so the image, has for one of our formats. */
export function qemuFormatOf(format: string): string {
  return Object.entries(OUR_NAMES).find(([, ours]) => ours === format)?.[0] ?? format
}
