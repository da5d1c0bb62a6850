import type { Problem } from '../../base/index.ts'
import type { Machine } from '../machine.ts'
import { checkDialect } from '../preferences/check.ts'
import type { PreferencesDocument } from '../preferences/document.ts'
import { GroupReader } from '../preferences/reader.ts'
import { readAdapters } from './adapters.ts'
import { CMOS_BYTES, isCmosMemory, isCmosSumRight } from './cmos.ts'
import { readDrives, readFloppies } from './drives.ts'
import { GUEST_OS_KEY, MEMORY_MB } from './limits.ts'
import { readParallelPort, readSerialPorts } from './ports.ts'
import { readStamp, VIVARIUM_STAMP } from './products.ts'
import { readReference } from './references.ts'

export interface VmcReading {
  readonly machine: Machine
  readonly problems: readonly Problem[]
}

/**
 * Reads a VMC into the neutral model. Never throws for its content: what is absent gets the product's default,
 * what is wrong is left out and becomes a problem.
 * @param name the machine's name, which is the file's name without `.vmc` (the file itself does not hold it)
 * @source formats.md section 2
 */
export function readVmc(document: PreferencesDocument, name: string): VmcReading {
  const problems: Problem[] = []
  const root = GroupReader.root(document, problems)
  const hardware = root.group('hardware')
  const settings = root.group('settings')
  const pciBus = hardware.group('pci_bus')
  const superIo = hardware.group('super_io')
  const memoryMB = readMemory(hardware)
  const creator = readStamp(root.group('properties/creator'))
  const modifier = readStamp(root.group('properties/modifier'))
  const savedState = readReference(settings.group('configuration/saved_state/path'))
  const machine: Machine = {
    name,
    memoryMB,
    drives: readDrives(pciBus),
    floppies: readFloppies(superIo),
    adapters: readAdapters(pciBus, modifier?.name === VIVARIUM_STAMP.name),
    serialPorts: readSerialPorts(superIo),
    parallelPort: readParallelPort(superIo),
    sound: settings.boolean('sound/sound_adapter/enable') ?? true,
    videoMemoryMB: pciBus.integer('video_adapter/vram_size') ?? 8,
    undoEnabled: settings.boolean('undo_drives/enabled') ?? false,
    ...optional('savedState', savedState),
    ...optional('biosGuid', hardware.text('bios/bios_guid')),
    ...optional('guestOs', readGuestOs(root)),
    ...optional('notes', settings.text('notes')),
    ...optional('creator', creator),
    ...optional('modifier', modifier),
  }
  checkCmos(hardware, memoryMB)
  checkVersion(root)
  problems.push(...checkDialect(document))
  if (!machine.creator && !machine.modifier) {
    root.problem(
      'written-by-hand',
      'note',
      'The file does not say which product made it: a person or a tool wrote it.',
      'Settings that it leaves out have their usual values.',
      'properties',
    )
  }
  return { machine, problems }
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value })
}

function readMemory(hardware: GroupReader): number {
  const key = 'memory/ram_size'
  const memoryMB = hardware.integer(key)
  if (memoryMB === undefined) {
    hardware.problem(
      'memory-missing',
      'warning',
      `The file does not say how much memory the machine has; ${MEMORY_MB.assumed} MB are assumed.`,
      'Set the memory.',
      key,
    )
    return MEMORY_MB.assumed
  }
  if (memoryMB < MEMORY_MB.least || memoryMB > MEMORY_MB.most) {
    hardware.problem(
      'memory-out-of-range',
      memoryMB < MEMORY_MB.least ? 'error' : 'warning',
      `The machine has ${memoryMB} MB of memory; Virtual PC gives ${MEMORY_MB.least} to ${MEMORY_MB.most} MB.`,
      `Set it to a value from ${MEMORY_MB.least} to ${MEMORY_MB.most}.`,
      key,
    )
  }
  return memoryMB
}

/** What the Additions reported, else the wizard's choice, whose table of codes is not known. */
function readGuestOs(root: GroupReader): string | undefined {
  const reported = root.group('integration/microsoft/version/guest_os')
  const name = reported.text('long_name') ?? reported.text('short_name')
  const code = root.integer('settings/guest_os')
  return name ?? root.text(GUEST_OS_KEY) ?? (code === undefined ? undefined : `code ${code}`)
}

function checkCmos(hardware: GroupReader, memoryMB: number): void {
  const cmos = hardware.bytes('bios/cmos')
  if (cmos === undefined) return
  const key = 'bios/cmos'
  if (cmos.length !== CMOS_BYTES || !isCmosSumRight(cmos)) {
    hardware.problem('cmos-damaged', 'note', 'The stored CMOS memory is damaged.', 'It is made anew.', key)
  } else if (!isCmosMemory(cmos, memoryMB)) {
    hardware.problem(
      'cmos-memory',
      'note',
      `The stored CMOS memory is from a time when the machine did not have ${memoryMB} MB.`,
      'Nothing: the setting counts, and the BIOS corrects it at the next start.',
      key,
    )
  }
}

function checkVersion(root: GroupReader): void {
  const version = root.text('version')
  if (version === undefined || version === '2.0') return
  root.problem(
    'version',
    'note',
    `The file has version ${version}; only version 2.0 is known, and it was read as that.`,
    undefined,
    'version',
  )
}
