import type { Accelerator, AdapterModel, RunAdapter, RunDrive, RunFloppy, RunSpec } from '../../engine.ts'
import { runPaths } from './run-folder.ts'

/** A seccomp filter: no obsolete calls, no other user, no new programs, no other priorities (qemu(1) -sandbox). */
export const SANDBOX = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'

/** What QEMU calls our models. */
export const DEVICE_OF_MODEL = {
  tulip: 'tulip',
  ne2k: 'ne2k_pci',
  pcnet: 'pcnet',
  rtl8139: 'rtl8139',
  e1000: 'e1000',
  virtio: 'virtio-net-pci',
} as const satisfies Record<AdapterModel, string>

/** PCI slots are said, never left to the order: Windows takes a card in another slot for another card. */
const VIDEO_SLOT = 2
const FIRST_ADAPTER_SLOT = 3

export const driveId = (channel: number, unit: number) => `ide-${channel}-${unit}`
/** The block node of an image that was in its drive from the start. */
export const firstMedium = (drive: string) => `${drive}-0`
export const adapterId = (index: number) => `nic-${index}`

export interface Decisions {
  readonly program: string
  readonly accelerator: Exclude<Accelerator['name'], 'wasm'>
  /** In the order of `spec.adapters`. */
  readonly models: readonly AdapterModel[]
}

/** The whole command line, program first. Pure; everything in it is decided before. */
export function formatArgv(spec: RunSpec, decisions: Decisions): string[] {
  const paths = runPaths(spec.runFolder)
  const boot = bootOrder(spec)
  return [
    decisions.program,
    ...['-name', `guest=${escapeCommas(spec.name)}`],
    ...['-no-user-config', '-nodefaults'],
    ...['-sandbox', SANDBOX],
    // hpet: the 440BX had none. dump-guest-core: a crash must not leave the guest's memory on the disk.
    ...['-machine', 'pc,hpet=off,dump-guest-core=off'],
    ...['-accel', accelerator(decisions.accelerator)],
    // One processor for both accelerators, and an old one: guests of that time stumble over today's.
    ...['-cpu', 'qemu32'],
    ...['-m', `${spec.memoryMB}M`],
    ...(spec.biosGuid === undefined ? [] : ['-uuid', plainGuid(spec.biosGuid)]),
    // Virtual PC's clock showed the host's local time, which is what Windows expects of a PC.
    ...['-rtc', 'base=localtime'],
    ...['-boot', 'menu=off'],
    ...['-chardev', options('socket', { id: 'qmp', path: paths.qmp, server: 'on', wait: 'off' })],
    ...['-mon', 'chardev=qmp,mode=control'],
    ...video(spec),
    // share=ignore: several people may look at one console, none can shut the others out.
    ...['-vnc', `unix:${escapeCommas(paths.console)},share=ignore`],
    ...spec.drives.flatMap((drive) => driveOptions(drive, paths.disks, boot.get(drive)!)),
    ...spec.floppies.flatMap((floppy) => floppyOptions(floppy, boot.get(floppy)!)),
    ...spec.adapters.flatMap((adapter, place) =>
      adapterOptions(adapter, decisions.models[place]!, boot.get(adapter)!),
    ),
    ...(spec.sound ? ['-audiodev', 'none,id=sound', '-device', 'sb16,audiodev=sound'] : []),
    ...Array.from({ length: spec.serialPorts }, (_, index) => serialOptions(spec.runFolder, index)).flat(),
  ]
}

/** tb-size: the memory of the translator, MiB. QEMU's own choice is up to 1 GiB for every machine. */
function accelerator(name: Decisions['accelerator']): string {
  return name === 'tcg' ? 'tcg,tb-size=256' : 'kvm'
}

/**
 * Cirrus, not std: no QEMU has Virtual PC's S3 Trio, and Cirrus is the card whose driver comes with every
 * Windows from 95 to 2003 (qemu(1) -vga); with std those that know no VESA stay at 640x480 in 16 colours.
 * It takes 4, 8 or 16 MiB, which is Virtual PC's range.
 */
function video(spec: RunSpec): string[] {
  const memoryMB = [4, 8].find((size) => size >= spec.videoMemoryMB) ?? 16
  return ['-device', options('cirrus-vga', { addr: slot(VIDEO_SLOT), vgamem_mb: memoryMB })]
}

function driveOptions(drive: RunDrive, disksSocket: string, bootindex: number): string[] {
  const id = driveId(drive.channel, drive.unit)
  const place = { bus: `ide.${drive.channel}`, unit: drive.unit }
  if (drive.kind === 'disk') {
    const server = { 'server.type': 'unix', 'server.path': disksSocket, export: id }
    return [
      ...['-blockdev', options('driver=nbd', { 'node-name': id, ...server, discard: 'unmap' })],
      ...['-device', options('ide-hd', { id, ...place, drive: id, bootindex, model: 'Virtual HD' })],
    ]
  }
  const values = { id, ...place, bootindex, model: 'Virtual CD' }
  if (drive.image === undefined) return ['-device', options('ide-cd', values)]
  return [
    ...imageOptions(firstMedium(id), drive.image, false),
    ...['-device', options('ide-cd', { ...values, drive: firstMedium(id) })],
  ]
}

function floppyOptions(floppy: RunFloppy, bootindex: number): string[] {
  const id = `floppy-${floppy.index}`
  // An empty drive has no place in the boot order: the BIOS would spend seconds to find that out.
  if (floppy.image === undefined) return ['-device', options('floppy', { id, unit: floppy.index })]
  return [
    ...imageOptions(firstMedium(id), floppy.image, floppy.writable),
    ...['-device', options('floppy', { id, unit: floppy.index, drive: firstMedium(id) })],
    ...['-global', `isa-fdc.bootindex${'AB'[floppy.index]}=${bootindex}`],
  ]
}

/** Always the raw driver: a guest that writes to its floppy must not choose the format it is read with. */
function imageOptions(nodeName: string, path: string, writable: boolean): string[] {
  const readOnly = writable ? 'off' : 'on'
  const file = { 'file.driver': 'file', 'file.filename': path, 'file.read-only': readOnly }
  return ['-blockdev', options('driver=raw', { 'node-name': nodeName, 'read-only': readOnly, ...file })]
}

/**
 * The card is on a hub, and the cable to our switch is the hub's other port (see cables.ts): a `stream` alone
 * cannot be connected again when the server, and with it the switch, comes back.
 */
function adapterOptions(adapter: RunAdapter, model: AdapterModel, bootindex: number): string[] {
  const id = adapterId(adapter.index)
  const hub = `hub-${adapter.index}`
  const addr = slot(FIRST_ADAPTER_SLOT + adapter.index)
  return [
    ...['-netdev', options('hubport', { id: hub, hubid: adapter.index })],
    ...[
      '-device',
      options(DEVICE_OF_MODEL[model], { id, netdev: hub, mac: adapter.mac.toLowerCase(), addr, bootindex }),
    ],
  ]
}

/** logappend: the log is cut from outside when it grows too long, and QEMU then goes on at its new end. */
function serialOptions(runFolder: string, index: number): string[] {
  const paths = runPaths(runFolder)
  const id = `serial-${index}`
  const log = { logfile: paths.serialLog(index), logappend: 'on' }
  const socket = { id, path: paths.serial(index), server: 'on', wait: 'off', ...log }
  return [
    ...['-chardev', options('socket', socket)],
    ...['-device', options('isa-serial', { chardev: id, index })],
  ]
}

/** Virtual PC's order: floppy, CD, hard disk, and then the network. */
function bootOrder(spec: RunSpec): Map<RunDrive | RunFloppy | RunAdapter, number> {
  const drives = [...spec.drives].sort((a, b) => a.channel - b.channel || a.unit - b.unit)
  const order = [
    ...spec.floppies,
    ...drives.filter((drive) => drive.kind === 'cd'),
    ...drives.filter((drive) => drive.kind === 'disk'),
    ...spec.adapters,
  ]
  return new Map(order.map((device, place) => [device, place + 1]))
}

/** "kind,key=value,...", with every comma of a value doubled, which is how QEMU escapes it. */
function options(kind: string, values: Readonly<Record<string, string | number>>): string {
  return [
    kind,
    ...Object.entries(values).map(([key, value]) => `${key}=${escapeCommas(String(value))}`),
  ].join(',')
}

function escapeCommas(value: string): string {
  return value.replaceAll(',', ',,')
}

function slot(number: number): string {
  return number.toString(16).padStart(2, '0')
}

/** "{5E1B...}" in the machine file, without the braces here. */
function plainGuid(text: string): string {
  return text.replace(/^\{|\}$/g, '').toLowerCase()
}
