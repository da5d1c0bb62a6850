import { VivariumError } from '../../base/index.ts'
import type { FileReference, NetworkReference, SerialPort } from '../machine.ts'
import { findElement, getValue } from '../preferences/access.ts'
import type { PreferencesDocument } from '../preferences/document.ts'
import { removeGroup, removeValue, setValue } from '../preferences/edit.ts'
import { MAX_ADAPTERS } from './adapters.ts'
import { DRIVE_TYPE } from './drives.ts'
import { GUEST_OS_KEY, MEMORY_MB } from './limits.ts'
import { isGroupAddress, parseMac } from './mac.ts'
import { networkIdBytes } from './networks.ts'
import { PORT_TYPE } from './ports.ts'
import { VIVARIUM_STAMP } from './products.ts'

/**
 * Edits of a VMC. Each changes the keys it names and nothing else; all throw VivariumError kind `invalid` for
 * values that no machine can have. A machine's name is its file's name, so there is no edit for it.
 */
export interface DriveSettings {
  readonly kind: 'disk' | 'cd'
  /** Absent: no medium. */
  readonly image?: FileReference | undefined
}

const IDE = 'hardware/pci_bus/ide_adapter'
const ETHERNET = 'hardware/pci_bus/ethernet_adapter'

export function setMemory(document: PreferencesDocument, memoryMB: number): void {
  const key = 'hardware/memory/ram_size'
  if (!Number.isInteger(memoryMB) || memoryMB < MEMORY_MB.least || memoryMB > MEMORY_MB.most) {
    throw invalid(
      document,
      'memory-out-of-range',
      key,
      `A machine has ${MEMORY_MB.least} to ${MEMORY_MB.most} MB of memory, not ${memoryMB}.`,
    )
  }
  setValue(document, key, 'integer', memoryMB)
}

/** Puts a drive at an IDE place, or leaves the place empty. A disk that changes loses its old undo disk's name. */
export function setDrive(
  document: PreferencesDocument,
  channel: number,
  unit: number,
  drive: DriveSettings | undefined,
): void {
  const key = idePlace(document, channel, unit)
  const type = drive === undefined ? DRIVE_TYPE.none : DRIVE_TYPE[drive.kind]
  setValue(document, `${key}/drive_type`, 'integer', type)
  setReference(document, `${key}/pathname`, drive?.image)
  // Virtual PC writes this group for hard disks, and for nothing else (formats.md 2.1).
  if (drive?.kind === 'disk') setReference(document, `${key}/undo_pathname`, undefined)
  else removeGroup(document, `${key}/undo_pathname`)
}

/** Records the undo disk of the disk at an IDE place, or that there is none. */
export function setUndoDisk(
  document: PreferencesDocument,
  channel: number,
  unit: number,
  undo: FileReference | undefined,
): void {
  setReference(document, `${idePlace(document, channel, unit)}/undo_pathname`, undo)
}

function idePlace(document: PreferencesDocument, channel: number, unit: number): string {
  if ((channel !== 0 && channel !== 1) || (unit !== 0 && unit !== 1)) {
    const text = `There is no place IDE ${channel}:${unit}; there are 0:0, 0:1, 1:0 and 1:1.`
    throw invalid(document, 'position-invalid', IDE, text)
  }
  return `${IDE}/ide_controller[@id=${channel}]/location[@id=${unit}]`
}

/** Puts an image in a floppy drive, or takes it out. */
export function setFloppy(
  document: PreferencesDocument,
  index: number,
  image: FileReference | undefined,
): void {
  if (index !== 0 && index !== 1) {
    const text = `There is no floppy drive ${index}; there are 0 and 1.`
    throw invalid(document, 'position-invalid', 'hardware/super_io/floppy', text)
  }
  setReference(document, `hardware/super_io/floppy[@id=${index}]/pathname`, image)
}

export interface AdapterSettings {
  /** Absent: stays as it is. */
  readonly network?: NetworkReference | undefined
  /** Absent: stays as it is. */
  readonly mac?: string | undefined
}

/** Changes a network adapter; one that is not fitted yet is fitted. */
export function setAdapter(document: PreferencesDocument, index: number, settings: AdapterSettings): void {
  if (!Number.isInteger(index) || index < 0 || index >= MAX_ADAPTERS) {
    const text = `There is no network adapter ${index}; there are 0 to ${MAX_ADAPTERS - 1}.`
    throw invalid(document, 'position-invalid', ETHERNET, text)
  }
  const key = `${ETHERNET}/ethernet_controller[@id=${index}]`
  const mac = settings.mac === undefined ? undefined : checkedMac(document, key, settings.mac)
  fitAdapter(document, index)
  if (settings.network) setNetwork(document, `${key}/virtual_network`, settings.network)
  if (mac) setValue(document, `${key}/ethernet_card_address`, 'bytes', mac)
}

/** How many adapters are fitted; the settings of those beyond stay in the file, as the products do it. */
export function setAdapterCount(document: PreferencesDocument, count: number): void {
  const key = `${ETHERNET}/controller_count`
  if (!Number.isInteger(count) || count < 0 || count > MAX_ADAPTERS) {
    const text = `A machine has 0 to ${MAX_ADAPTERS} network adapters, not ${count}.`
    throw invalid(document, 'too-many-adapters', key, text)
  }
  setValue(document, key, 'integer', count)
}

function fitAdapter(document: PreferencesDocument, index: number): void {
  const count = getCount(document)
  if (count === undefined || count <= index) setAdapterCount(document, index + 1)
}

/** A count that cannot be read is written anew. */
function getCount(document: PreferencesDocument): number | undefined {
  try {
    const count = getValue(document, `${ETHERNET}/controller_count`)
    return typeof count === 'number' ? count : undefined
  } catch (error) {
    if (error instanceof VivariumError && error.code === 'leaf-value') return undefined
    throw error
  }
}

function checkedMac(document: PreferencesDocument, key: string, text: string): Uint8Array {
  const mac = parseMac(text)
  if (mac && !isGroupAddress(mac)) return mac
  throw invalid(
    document,
    'mac-invalid',
    `${key}/ethernet_card_address`,
    mac ? `${text} is a group address.` : `"${text}" is not a MAC address such as 00:03:ff:12:34:56.`,
  )
}

/** Not connected is written as no group at all: no file shows how a product writes it (formats.md 2.3). */
function setNetwork(document: PreferencesDocument, key: string, network: NetworkReference): void {
  if (network.kind === 'none') {
    removeGroup(document, key)
    return
  }
  const id = networkIdBytes(network.id)
  if (!id) {
    const text = `"${network.id}" is not the id of a virtual network: it is written like a GUID.`
    throw invalid(document, 'network-id', key, text)
  }
  setValue(document, `${key}/id`, 'bytes', id)
  setValue(document, `${key}/name`, 'string', network.kind === 'nat' ? '' : network.name)
}

/** Sets what COM1 (0) or COM2 (1) is connected to. Keys of other kinds stay, as the products leave them. */
export function setSerialPort(document: PreferencesDocument, port: SerialPort): void {
  if (port.index !== 0 && port.index !== 1) {
    const text = `There is no serial port ${port.index}; there are 0 and 1.`
    throw invalid(document, 'position-invalid', 'hardware/super_io/serial_port', text)
  }
  const key = `hardware/super_io/serial_port[@id=${port.index}]`
  setValue(document, `${key}/port_type`, 'integer', PORT_TYPE[port.kind])
  if (port.path === undefined) return
  if (port.kind === 'file') setValue(document, `${key}/text_file_path`, 'string', port.path)
  if (port.kind === 'pipe') setValue(document, `${key}/pipe_name`, 'string', port.path)
}

export function setUndoEnabled(document: PreferencesDocument, enabled: boolean): void {
  setValue(document, 'settings/undo_drives/enabled', 'boolean', enabled)
}

/** Notes that the changes in the undo disks were left undecided on purpose; the meaning is inferred (formats.md 2.1). */
export function setUndoKept(document: PreferencesDocument, kept: boolean): void {
  setValue(document, 'settings/undo_drives/purposely_kept', 'boolean', kept)
}

export function setSound(document: PreferencesDocument, enabled: boolean): void {
  setValue(document, 'settings/sound/sound_adapter/enable', 'boolean', enabled)
}

/** At most 40,000 characters (Virtual Server SDK); '' removes them. */
export function setNotes(document: PreferencesDocument, notes: string): void {
  const key = 'settings/notes'
  if (notes.length > 40_000) {
    const text = `Notes have at most 40000 characters, not ${notes.length}.`
    throw invalid(document, 'notes-too-long', key, text)
  }
  if (notes === '') removeValue(document, key)
  else setValue(document, key, 'string', notes)
}

/**
 * Keeps the guest's name in a key of our own, which the products keep too (formats.md 1.8): the meaning of the
 * numbers in their `settings/guest_os` is not known. "code 9" sets that number.
 */
export function setGuestOs(document: PreferencesDocument, guestOs: string): void {
  const code = /^code (\d{1,9})$/.exec(guestOs)
  if (code) setValue(document, 'settings/guest_os', 'integer', Number(code[1]))
  else setValue(document, GUEST_OS_KEY, 'string', guestOs)
}

/** Forgets a saved state; the file it named is the caller's to remove. */
export function removeSavedState(document: PreferencesDocument): void {
  const key = 'settings/configuration/saved_state'
  if (findElement(document, key)) setReference(document, `${key}/path`, undefined)
}

/** Notes that this program saved the file last. */
export function stampModifier(document: PreferencesDocument): void {
  setValue(document, 'properties/modifier/build', 'string', VIVARIUM_STAMP.build)
  setValue(document, 'properties/modifier/name', 'string', VIVARIUM_STAMP.name)
}

function setReference(document: PreferencesDocument, key: string, reference: FileReference | undefined) {
  setValue(document, `${key}/absolute`, 'string', reference?.absolute ?? '')
  setValue(document, `${key}/relative`, 'string', reference?.relative ?? '')
}

function invalid(document: PreferencesDocument, code: string, field: string, message: string): VivariumError {
  return new VivariumError('invalid', code, message, { where: { path: document.path, field } })
}
