import {
  attributeOf,
  childrenOf,
  type PreferencesDocument,
  type PreferencesElement,
} from './preferences/document.ts'

/** The kinds of file that share the dialect. */
export type MachineFileFormat = 'vmc' | 'vmcx' | 'options' | 'vnc'

/**
 * Says by its content which kind a document is. A file that says too little to tell (groups may be missing,
 * formats.md 1.9) goes by its name; undefined when that says nothing either.
 */
export function detectFormat(document: PreferencesDocument, fileName = ''): MachineFileFormat | undefined {
  if (document.root.name === 'vm_description') return 'vmcx'
  if (document.root.name !== 'preferences') return undefined
  return byContent(document.root) ?? byName(fileName)
}

function byContent(root: PreferencesElement): MachineFileFormat | undefined {
  const names = new Set(childrenOf(root).map((child) => child.name))
  if (names.has('hardware')) return 'vmc'
  const found = countNames(root)
  if (names.has('idle_timeout') || found.get('virtual_gateway') || (found.get('virtual_network') ?? 0) > 1)
    return 'options'
  if (found.get('dhcp') || found.get('virtual_network') || names.has('host_adapter')) return 'vnc'
  return names.has('integration') || names.has('virtual_machines') ? 'vmc' : undefined
}

function countNames(root: PreferencesElement): Map<string, number> {
  const counts = new Map<string, number>()
  const visit = (element: PreferencesElement) => {
    if (attributeOf(element, 'type') === undefined)
      counts.set(element.name, (counts.get(element.name) ?? 0) + 1)
    for (const child of childrenOf(element)) visit(child)
  }
  visit(root)
  return counts
}

function byName(fileName: string): MachineFileFormat | undefined {
  const name = fileName.toLowerCase()
  if (name.endsWith('.vmc') || name.endsWith('.vpcbackup')) return 'vmc'
  if (name.endsWith('.vnc')) return 'vnc'
  return /(^|[\\/])options\.xml$/.test(name) ? 'options' : undefined
}
