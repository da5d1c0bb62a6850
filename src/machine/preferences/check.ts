import type { Problem } from '../../base/index.ts'
import { childrenOf, type PreferencesDocument, type PreferencesElement } from './document.ts'
import { formatKeyPath, formatKeyStep, type KeyStep, stepOf } from './key-path.ts'

/** Notes about how a file is written, as far as the products themselves would write it differently. */
export function checkDialect(document: PreferencesDocument): Problem[] {
  return [...checkEncoding(document), ...checkDuplicates(document)]
}

const ENCODING_NAMES = { 'utf-16le': 'UTF-16LE', 'utf-16be': 'UTF-16BE', 'utf-8': 'UTF-8' } as const

/** "UTF-16LE", as reports show it. */
export function encodingLabel(document: PreferencesDocument): string {
  return ENCODING_NAMES[document.encoding]
}

function checkEncoding(document: PreferencesDocument): Problem[] {
  const problems: Problem[] = []
  const where = { path: document.path }
  const label = encodingLabel(document)
  const declared = document.declaredEncoding
  if (declared !== undefined && !label.startsWith(declared.toUpperCase())) {
    problems.push({
      code: 'declared-encoding',
      severity: 'note',
      message: `The file calls itself ${declared} and is ${label}; it was read as what it is.`,
      where,
    })
  }
  if (document.encoding !== 'utf-16le' || !document.bom) {
    problems.push({
      code: 'encoding',
      severity: 'note',
      message: `The file is ${label}${document.bom ? '' : ' without a byte order mark'}; Virtual PC itself writes UTF-16LE with one.`,
      next: 'It is kept as it is; convert it if an old product has to read it.',
      where,
    })
  }
  return problems
}

// Places of drives have a check of their own that knows what the place means.
const PLACES = new Set(['ide_controller', 'scsi_controller', 'location', 'floppy', 'serial_port'])
const MOST_DUPLICATES = 20

function checkDuplicates(document: PreferencesDocument): Problem[] {
  const problems: Problem[] = []
  const visit = (element: PreferencesElement, steps: readonly KeyStep[]) => {
    const seen = new Set<string>()
    for (const child of childrenOf(element)) {
      const path = [...steps, stepOf(child)]
      const key = formatKeyStep(stepOf(child))
      if (seen.has(key) && !PLACES.has(child.name) && problems.length < MOST_DUPLICATES) {
        problems.push({
          code: 'key-twice',
          severity: 'warning',
          message: `The key ${key} is there twice in one group; the first one counts.`,
          next: 'Remove the other one.',
          where: { path: document.path, field: formatKeyPath(path) },
        })
      }
      seen.add(key)
      visit(child, path)
    }
  }
  visit(document.root, [])
  return problems
}
