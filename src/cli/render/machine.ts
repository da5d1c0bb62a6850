import type { MachineDetails, MachineState, MachineSummary } from '../../api/index.ts'
import { describeRecord, formatSize } from '../../base/index.ts'
import { renderInspection } from './inspection.ts'
import { renderProblems } from './problems.ts'
import { renderFacts, renderSections, renderTable } from './table.ts'

const STATE_WORDS: Record<MachineState, string> = {
  Invalid: 'unreadable',
  TurnedOff: 'turned off',
  Saved: 'saved',
  TurningOn: 'turning on',
  Restoring: 'restoring',
  Running: 'running',
  Paused: 'paused',
  Saving: 'saving',
  TurningOff: 'turning off',
  MergingDrives: 'merging drives',
}

export function renderMachineList(machines: readonly MachineSummary[]): string {
  if (machines.length === 0) return 'There are no machines. Add one with "vivarium machine add FILE.vmc".'
  const rows = machines.map((machine) => [
    machine.name,
    STATE_WORDS[machine.state],
    machine.engine === undefined ? '' : `${machine.engine.name} (${machine.engine.accelerator})`,
    machine.uptimeSeconds > 0 ? renderDuration(machine.uptimeSeconds) : '',
    machine.state === 'Running' ? `${machine.cpuPercent} %` : '',
    machine.undo.pending ? 'pending' : machine.undo.enabled ? 'on' : '',
    machine.path,
  ])
  return renderTable(['Name', 'State', 'Engine', 'Up', 'CPU', 'Undo', 'File'], rows)
}

export function renderMachineDetails(machine: MachineDetails): string {
  const facts = renderFacts([
    ['Machine', machine.name],
    ['Id', machine.id],
    ['State', STATE_WORDS[machine.state]],
    [
      'Engine',
      machine.engine && `${machine.engine.name}, ${machine.engine.accelerator}: ${machine.engine.reason}`,
    ],
    ['Up', machine.uptimeSeconds > 0 ? renderDuration(machine.uptimeSeconds) : undefined],
    ['Undo', undoText(machine)],
    ['Last error', machine.lastError && describeRecord(machine.lastError)],
  ])
  const drives = machine.drives.map((drive) => [
    `IDE ${drive.channel}:${drive.unit}`,
    drive.kind,
    drive.sizeBytes === undefined ? '' : formatSize(drive.sizeBytes),
    drive.layers.length > 0 ? drive.layers.join(' <- ') : (drive.path ?? '(empty)'),
  ])
  return renderSections([
    ['', facts],
    [
      'Disks as they run',
      drives.length === 0 ? '' : renderTable(['Position', 'Kind', 'Size', 'Files'], drives),
    ],
    ['It cannot start now', machine.refusals.map(describeRecord).join('\n')],
    ['What the guest will find otherwise', renderProblems(machine.notes)],
    ['Its file', machine.report === undefined ? '' : renderInspection(machine.report)],
  ])
}

function undoText({ undo }: MachineSummary): string {
  if (undo.pending) return `undo disks with changes, ${formatSize(undo.sizeBytes)}: commit or discard them`
  return undo.enabled ? 'on: the next run writes to undo disks' : 'off: runs write to its own disks'
}

/** 93784 seconds are "1d 02:03:04". */
export function renderDuration(seconds: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
  const days = Math.floor(seconds / 86_400)
  const clock = [(seconds % 86_400) / 3600, (seconds % 3600) / 60, seconds % 60].map(two).join(':')
  return days > 0 ? `${days}d ${clock}` : clock
}
