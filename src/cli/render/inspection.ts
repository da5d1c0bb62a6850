import { formatSize } from '../../base/index.ts'
import type { DiskReport } from '../../disk/index.ts'
import type { MachineReport, NetworkReport } from '../../machine/index.ts'
import { renderProblems } from './problems.ts'
import { renderSettings } from './settings.ts'
import { renderFacts, renderSections, renderTable } from './table.ts'

/** A report for people. */
export function renderInspection(report: DiskReport | MachineReport | NetworkReport): string {
  if (report.kind === 'disk') return renderDisk(report)
  return report.kind === 'machine' ? renderMachine(report) : renderNetworks(report)
}

function renderDisk(report: DiskReport): string {
  const { geometry, creator } = report
  const facts = renderFacts([
    ['File', report.path],
    ['Format', `${report.format.toUpperCase()}, ${report.subformat}`],
    ['Size in guest', sizeWithBytes(report.virtualSize)],
    [
      'Geometry',
      geometry &&
        `${geometry.cylinders}/${geometry.heads}/${geometry.sectorsPerTrack} (C/H/S) = ${sizeWithBytes(geometry.sizeBytes)}`,
    ],
    [
      'File length',
      `${sizeWithBytes(report.fileSize)}${report.fileCount === undefined ? '' : ` in ${report.fileCount} files`}`,
    ],
    ['Room on host', report.hostBytes === undefined ? undefined : sizeWithBytes(report.hostBytes)],
    ['Stored data', `${formatSize(report.allocated)} (${percent(report.allocated, report.virtualSize)})`],
    [
      'Created by',
      creator &&
        `${creator.product} ("${creator.application.trim()}" ${creator.version}${creator.hostOs === '' ? '' : `, ${creator.hostOs}`})`,
    ],
    ['Guest system', report.guest && guestText(report.guest)],
    ['Id', report.id],
    ['Time', report.time && `${report.time}${report.timeNote === undefined ? '' : ` (${report.timeNote})`}`],
  ])
  const chain = report.chain.map((link) => [
    link.state,
    link.path ?? link.recordedAs[0] ?? '(no name recorded)',
    link.subformat ?? '',
  ])
  const partitions = report.partitions.map((partition) => [
    String(partition.number),
    partition.typeName,
    formatSize(partition.sizeBytes),
    partition.fileSystem ?? '?',
    partition.label ?? '',
    partition.active ? 'active' : '',
  ])
  return renderSections([
    ['', facts],
    ['Parents', chain.length === 0 ? '' : renderTable(['State', 'File', 'Type'], chain)],
    [
      `Partitions (${report.partitionScheme})`,
      partitions.length === 0
        ? ''
        : renderTable(['No', 'Type', 'Size', 'File system', 'Label', ''], partitions),
    ],
    ['Problems', report.problems.length === 0 ? 'none' : renderProblems(report.problems)],
  ])
}

function guestText({ name, version, confidence, evidence }: NonNullable<DiskReport['guest']>): string {
  const word = { certain: '', likely: 'probably ', hint: 'perhaps ' }[confidence]
  return `${word}${name}${version === undefined ? '' : `, ${version}`} (${evidence.join(', ')})`
}

function renderMachine(report: MachineReport): string {
  const stamp = (value: MachineReport['creator']) =>
    value && `${value.product ?? value.name} (${value.build})`
  const facts = renderFacts([
    ['File', report.path],
    ['Machine', `${report.name} (${report.format.toUpperCase()}, ${report.encoding})`],
    ['Memory', `${report.memoryMB} MB`],
    ['Guest system', report.guestOs],
    ['Sound', report.sound ? 'Sound Blaster 16' : 'none'],
    ['Undo disks', report.undoEnabled ? 'enabled' : 'disabled'],
    ['Saved state', report.savedState ?? 'none'],
    ['Created by', stamp(report.creator)],
    ['Last saved by', stamp(report.modifier)],
    ['BIOS GUID', report.biosGuid],
    ['Notes', report.notes],
  ])
  const drives = report.disks.map((disk) => [
    `${disk.bus.toUpperCase()} ${disk.channel}:${disk.unit}`,
    disk.kind === 'cd' ? 'CD/DVD' : 'hard disk',
    disk.resolvedPath ??
      disk.path ??
      (disk.hostDrive === undefined ? '(empty)' : `host drive ${disk.hostDrive}:`),
    disk.path !== undefined && disk.resolvedPath === undefined ? 'NOT FOUND' : '',
  ])
  const floppies = report.floppies.map(({ index, path, resolvedPath }) => [
    `Floppy ${index}`,
    'floppy',
    resolvedPath ?? path ?? '(empty)',
    path !== undefined && resolvedPath === undefined ? 'NOT FOUND' : '',
  ])
  const adapters = report.adapters.map((adapter) => [
    String(adapter.index + 1),
    adapter.mac ?? '(made at first start)',
    adapter.network,
  ])
  const ports = [
    ...report.serialPorts.map(({ index, kind, path }) => [`COM${index + 1}`, kind, path ?? '']),
    ['LPT1', report.parallelPort, ''],
  ]
  return renderSections([
    ['', facts],
    ['Drives', renderTable(['Position', 'Kind', 'Image', ''], [...drives, ...floppies])],
    [
      'Network adapters',
      adapters.length === 0 ? '' : renderTable(['No', 'MAC address', 'Network'], adapters),
    ],
    ['Ports', renderTable(['Port', 'Kind', ''], ports)],
    ['Problems', report.problems.length === 0 ? 'none' : renderProblems(report.problems)],
  ])
}

function renderNetworks(report: NetworkReport): string {
  const rows = report.networks.map(({ name, hostAdapter, dhcp }) => [
    name,
    hostAdapter ?? '',
    dhcp === undefined ? '' : dhcp.enabled ? `${dhcp.start ?? '?'} - ${dhcp.end ?? '?'}` : 'off',
  ])
  return renderSections([
    [
      '',
      renderFacts([
        ['File', report.path],
        ['Kind', `${report.kind} (${report.format}, ${report.encoding})`],
      ]),
    ],
    ['Virtual networks', rows.length === 0 ? 'none' : renderTable(['Name', 'Host adapter', 'DHCP'], rows)],
    ...report.networks.map((network): [string, string] => [
      network.name,
      renderSettings(settingsOf(network)),
    ]),
    ['Problems', report.problems.length === 0 ? 'none' : renderProblems(report.problems)],
  ])
}

/** All that the file says of the network. */
function settingsOf({ name: _, own, ...network }: NetworkReport['networks'][number]): object {
  const { dhcp, ...rest } = own ?? {}
  return { ...network, ...rest, ...(network.dhcp && { dhcp: { ...network.dhcp, ...(dhcp as object) } }) }
}

function sizeWithBytes(bytes: number): string {
  return bytes < 1024 ? formatSize(bytes) : `${formatSize(bytes)} (${bytes.toLocaleString('en')} bytes)`
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${((part / whole) * 100).toFixed(1)} %`
}
