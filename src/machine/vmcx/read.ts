import type { Problem } from '../../base/index.ts'
import type { Drive, Machine } from '../machine.ts'
import { checkDialect } from '../preferences/check.ts'
import type { PreferencesDocument } from '../preferences/document.ts'
import { GroupReader } from '../preferences/reader.ts'

/**
 * VMCX of Windows Virtual PC: a shortcut to a VMC with what the folder view shows, all leaves strings
 * (formats.md 2.10). The machine itself is the VMC; this reading is for inspection only.
 */
export interface VmcxReading {
  readonly machine: Machine
  /** Windows path of the machine file. */
  readonly vmcPath?: string
  readonly problems: readonly Problem[]
}

export function readVmcx(document: PreferencesDocument, name: string): VmcxReading {
  const problems: Problem[] = []
  const root = GroupReader.root(document, problems)
  const notes = root.text('notes')
  const vmcPath = root.text('vmc_path')
  const machine: Machine = {
    name,
    memoryMB: readMemory(root),
    drives: readDisks(root),
    floppies: [],
    adapters: [],
    serialPorts: [],
    parallelPort: { kind: 'none' },
    sound: false,
    videoMemoryMB: 8,
    undoEnabled: false,
    ...(notes !== undefined && { notes }),
  }
  const state = root.text('vmstate')
  if (state !== undefined && /hibernat|saved/i.test(state)) {
    root.problem(
      'saved-state',
      'warning',
      `The machine was put to sleep (${state}); its state cannot be taken over.`,
      'Shut it down in Windows Virtual PC first, or start it here as after a power cut.',
      'vmstate',
    )
  }
  problems.push(...checkDialect(document))
  return { machine, ...(vmcPath !== undefined && { vmcPath }), problems }
}

/** "512 MB". */
function readMemory(root: GroupReader): number {
  const text = root.text('ram_size')
  const match = /^\s*(\d{1,7})\s*(MB|GB)?\s*$/i.exec(text ?? '')
  if (match) return Number(match[1]) * (match[2]?.toUpperCase() === 'GB' ? 1024 : 1)
  const what = text === undefined ? 'The file does not say' : `"${text}" does not say`
  root.problem(
    'memory-missing',
    'warning',
    `${what} how much memory the machine has.`,
    'See the VMC.',
    'ram_size',
  )
  return 0
}

function readDisks(root: GroupReader): Drive[] {
  const drives: Drive[] = []
  for (const [channel, prefix] of ['primary_disk', 'secondary_disk'].entries()) {
    for (const unit of [0, 1]) {
      const absolute = root.text(`${prefix}${unit + 1}`)
      if (absolute !== undefined)
        drives.push({ bus: 'ide', channel, unit, kind: 'disk', image: { absolute } })
    }
  }
  return drives
}
