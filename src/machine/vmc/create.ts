import { VivariumError } from '../../base/index.ts'
import type { FileReference, NetworkReference, SerialPort } from '../machine.ts'
import { newPreferences, type PreferencesDocument } from '../preferences/document.ts'
import { setValue } from '../preferences/edit.ts'
import type { LeafType, LeafValues } from '../preferences/values.ts'
import { MAX_ADAPTERS } from './adapters.ts'
import { newBiosGuid, newMac, newNetworkId, newSerialNumber, type Random, systemRandom } from './identity.ts'
import { NAT_NETWORK_ID, SHARED_NETWORKING } from './networks.ts'
import { VIVARIUM_STAMP } from './products.ts'
import {
  type DriveSettings,
  setAdapter,
  setDrive,
  setFloppy,
  setGuestOs,
  setMemory,
  setNotes,
  setSerialPort,
  stampModifier,
} from './write.ts'

export interface NewDrive extends DriveSettings {
  readonly channel: number
  readonly unit: number
}

export interface NewAdapter {
  /** Any notation that `parseMac` reads; absent: one is made. */
  readonly mac?: string | undefined
  /** A string is the name of a virtual network. Absent: not connected. */
  readonly network?: NetworkReference | string | undefined
}

export interface CreateVmcOptions {
  /** The machine's name, only for errors: the name of a VMC file is the name of its machine. */
  readonly name?: string | undefined
  /** 4 to 3712. */
  readonly memoryMB: number
  readonly drives?: readonly NewDrive[] | undefined
  /** The image in the one floppy drive. */
  readonly floppy?: FileReference | undefined
  readonly adapters?: readonly NewAdapter[] | undefined
  readonly serialPorts?: readonly SerialPort[] | undefined
  readonly sound?: boolean | undefined
  readonly undoEnabled?: boolean | undefined
  readonly guestOs?: string | undefined
  /** At most 40,000 characters. */
  readonly notes?: string | undefined
  /** "{XXXXXXXX-...}"; absent: one is made. */
  readonly biosGuid?: string | undefined
  /** Where ids and addresses come from; tests give a fixed source. */
  readonly random?: Random | undefined
}

/**
 * Makes a machine file as Virtual PC 2007 lays it out. `bios/cmos` and `bios/time_bytes` are left out: they are
 * what the BIOS noted at the last run, files without them are in use, and the BIOS makes them at the first start.
 * @throws VivariumError kind `invalid` for values that no machine can have.
 * @source formats.md sections 1 and 2
 */
export function createVmc(options: CreateVmcOptions): PreferencesDocument {
  const document = newPreferences(`${options.name ?? 'new machine'}.vmc`)
  const random = options.random ?? systemRandom
  setAll(document, BEFORE_HARDWARE)
  setMemory(document, options.memoryMB)
  createAdapters(document, options.adapters ?? [], random)
  setValue(document, 'hardware/pci_bus/video_adapter/vram_size', 'integer', 8)
  createDrives(document, options.drives ?? [])
  setAll(document, STANDARD)
  setFloppy(document, 0, options.floppy)
  setAll(document, PORTS)
  for (const port of options.serialPorts ?? []) setSerialPort(document, port)
  createBios(document, options.biosGuid ?? newBiosGuid(random), newSerialNumber(random))
  setAll(document, INTEGRATION)
  setValue(document, 'properties/creator/build', 'string', VIVARIUM_STAMP.build)
  setValue(document, 'properties/creator/name', 'string', VIVARIUM_STAMP.name)
  stampModifier(document)
  setAll(document, settings(options.sound ?? true, options.undoEnabled ?? false))
  if (options.notes !== undefined) setNotes(document, options.notes)
  if (options.guestOs !== undefined) setGuestOs(document, options.guestOs)
  setValue(document, 'virtual_machines/hw_assist/enable_hw_assist', 'boolean', true)
  return document
}

type Leaf = { [Type in LeafType]: readonly [string, Type, LeafValues[Type]] }[LeafType]

function setAll(document: PreferencesDocument, leaves: readonly Leaf[]): void {
  for (const leaf of leaves) setValue(document, ...(leaf as [string, 'string', string]))
}

function createAdapters(
  document: PreferencesDocument,
  adapters: readonly NewAdapter[],
  random: Random,
): void {
  if (adapters.length > MAX_ADAPTERS) {
    throw new VivariumError(
      'invalid',
      'too-many-adapters',
      `A machine has at most ${MAX_ADAPTERS} network adapters, not ${adapters.length}.`,
      { where: { path: document.path, field: 'adapters' } },
    )
  }
  setValue(document, 'hardware/pci_bus/ethernet_adapter/controller_count', 'integer', adapters.length)
  for (const [index, adapter] of adapters.entries()) {
    setAdapter(document, index, {
      network: networkOf(adapter.network, random),
      mac: adapter.mac ?? newMac(random),
    })
  }
}

function networkOf(network: NewAdapter['network'], random: Random): NetworkReference {
  if (network === undefined || network === '') return { kind: 'none' }
  if (typeof network !== 'string') return network
  if (network === SHARED_NETWORKING) return { kind: 'nat', id: NAT_NETWORK_ID }
  return { kind: 'network', id: newNetworkId(random), name: network }
}

/** The places that Virtual PC always lists, empty or not; the fourth only when something is there. */
const USUAL_PLACES = [
  [1, 0],
  [0, 0],
  [0, 1],
] as const

function createDrives(document: PreferencesDocument, drives: readonly NewDrive[]): void {
  const places = new Set<string>()
  for (const { channel, unit } of drives) {
    const place = `IDE ${channel}:${unit}`
    if (places.has(place)) {
      throw new VivariumError('invalid', 'position-twice', `Two drives claim ${place}.`, {
        where: { path: document.path, field: place },
        next: 'Give one of them another place.',
      })
    }
    places.add(place)
  }
  for (const [channel, unit] of USUAL_PLACES) {
    setDrive(
      document,
      channel,
      unit,
      drives.find((drive) => drive.channel === channel && drive.unit === unit),
    )
  }
  for (const drive of drives) setDrive(document, drive.channel, drive.unit, drive)
}

function createBios(document: PreferencesDocument, guid: string, serial: string): void {
  for (const key of [
    'base_board/serial_number',
    'bios_serial_number',
    'chassis/asset_tag',
    'chassis/serial_number',
  ]) {
    setValue(document, `hardware/bios/${key}`, 'string', serial)
  }
  setValue(document, 'hardware/bios/bios_guid', 'string', guid)
}

const BEFORE_HARDWARE: readonly Leaf[] = [
  ['version', 'string', '2.0'],
  ['alerts/notifications/no_boot_disk', 'boolean', true],
]

// The name of the virtual hardware, not of who made the file: Virtual PC 2007's is what the engines come close to.
const STANDARD: readonly Leaf[] = [
  ['hardware/standard/name', 'string', 'Virtual PC 2007'],
  ['hardware/standard/version', 'string', '0001.0000.0000'],
]

const PORTS: readonly Leaf[] = [
  ['hardware/super_io/floppy/auto_detect', 'boolean', false],
  ['hardware/super_io/parallel_port/port_shared', 'boolean', false],
  ['hardware/super_io/parallel_port/port_type', 'integer', 0],
  ['hardware/super_io/serial_port/connect_immediately', 'boolean', false],
]

const INTEGRATION: readonly Leaf[] = [
  ['integration/microsoft/mouse/allow', 'boolean', true],
  ['integration/microsoft/video/user_selected/depth', 'integer', 16],
  ['integration/microsoft/video/user_selected/height', 'integer', 480],
  ['integration/microsoft/video/user_selected/width', 'integer', 640],
]

function settings(sound: boolean, undoEnabled: boolean): readonly Leaf[] {
  return [
    ['settings/configuration/saved_state/path/absolute', 'string', ''],
    ['settings/configuration/saved_state/path/relative', 'string', ''],
    ['settings/shutdown/prompt', 'boolean', true],
    ['settings/shutdown/quit/action', 'integer', 4],
    ['settings/shutdown/quit/was_running', 'boolean', false],
    ['settings/shutdown/save/enable', 'boolean', true],
    ['settings/shutdown/shutdown/enable', 'boolean', true],
    ['settings/shutdown/turn_off/enable', 'boolean', true],
    ['settings/sound/sound_adapter/enable', 'boolean', sound],
    ['settings/startup/automatic/type', 'integer', 2],
    ['settings/undo_drives/enabled', 'boolean', undoEnabled],
    ['settings/undo_drives/purposely_kept', 'boolean', undoEnabled],
    ['settings/undo_drives/use_default', 'boolean', true],
    ['settings/video/disable_resize', 'boolean', false],
    ['settings/video/full_screen', 'boolean', false],
    ['settings/video/mode/full_screen/startup', 'boolean', false],
    ['settings/video/resolutions/standard_only', 'boolean', false],
    ['settings/video/height', 'integer', 400],
    ['settings/video/left_position', 'integer', 40],
    ['settings/video/max_height', 'integer', 400],
    ['settings/video/max_width', 'integer', 640],
    ['settings/video/top_position', 'integer', 40],
    ['settings/video/width', 'integer', 640],
  ]
}
