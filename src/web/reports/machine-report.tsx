import { Anchor, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { MachineReport } from '../../machine/index.ts'
import { Facts } from '../parts/facts.tsx'
import { Panel } from '../parts/panel.tsx'
import { inspectAddress } from './inspect-address.ts'
import { ReportProblems } from './report-problems.tsx'
import classes from './reports.module.css'

/** A machine file as it is, before or without adding it. */
export function MachineReportView({ report }: { readonly report: MachineReport }) {
  return (
    <Stack gap="md">
      <ReportProblems problems={report.problems} />
      <div className={classes.columns}>
        <Panel title={report.name}>
          <MachineFacts report={report} />
        </Panel>
        <Panel title="Drives">
          <FileDrives report={report} />
        </Panel>
        <Panel title="Network adapters">
          <Adapters report={report} />
        </Panel>
        <Panel title="Ports">
          <Ports report={report} />
        </Panel>
        {report.notes !== undefined && (
          <Panel title="Notes">
            <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>
              {report.notes}
            </Text>
          </Panel>
        )}
      </div>
    </Stack>
  )
}

export function MachineFacts({ report }: { readonly report: MachineReport }) {
  return (
    <Facts
      of={{
        File: <span className="path">{report.path}</span>,
        Format: `${report.format.toUpperCase()}, ${report.encoding}`,
        Memory: `${report.memoryMB} MB`,
        'Guest system': report.guestOs,
        Sound: report.sound ? 'Sound Blaster 16' : 'none',
        'Undo disks': report.undoEnabled ? 'on, in the file' : 'off, in the file',
        'Saved state': report.savedState && <span className="path">{report.savedState}</span>,
        'Created by': stamp(report.creator),
        'Last saved by': stamp(report.modifier),
        'BIOS GUID': report.biosGuid && <code>{report.biosGuid}</code>,
      }}
    />
  )
}

function stamp(of: MachineReport['creator']): string | undefined {
  if (of === undefined) return undefined
  return of.product === undefined || of.product === of.name
    ? `${of.name} ${of.build}`
    : `${of.product} (${of.name} ${of.build})`
}

function FileDrives({ report }: { readonly report: MachineReport }) {
  const drives = report.disks.map((drive) => [
    `${drive.bus.toUpperCase()} ${drive.channel}:${drive.unit} ${drive.kind === 'cd' ? 'CD' : 'disk'}`,
    drivePath(drive),
  ])
  const floppies = report.floppies.map((floppy) => [
    `Floppy ${floppy.index === 0 ? 'A' : 'B'}`,
    pathOr('empty', floppy.resolvedPath ?? floppy.path),
  ])
  return <Facts of={Object.fromEntries([...drives, ...floppies])} />
}

function pathOr(absent: string, path: string | undefined): ReactNode {
  return path === undefined ? absent : <span className="path">{path}</span>
}

function drivePath(drive: MachineReport['disks'][number]): ReactNode {
  const { path, resolvedPath, hostDrive, undoPath, resolvedUndoPath, kind } = drive
  if (path === undefined) return hostDrive === undefined ? 'empty' : `drive ${hostDrive}: of the old host`
  return (
    <>
      {resolvedPath === undefined ? (
        <Text size="sm" c="red" span>
          not found here
        </Text>
      ) : kind === 'disk' ? (
        <Anchor component={Link} to={inspectAddress(resolvedPath)} className="path" size="sm">
          {resolvedPath}
        </Anchor>
      ) : (
        <span className="path">{resolvedPath}</span>
      )}
      {path !== resolvedPath && (
        <Text size="xs" c="dimmed" className="path">
          in the file: {path}
        </Text>
      )}
      {undoPath !== undefined && (
        <Text size="xs" c="dimmed" className="path">
          undo disk: {resolvedUndoPath ?? `${undoPath} (not found here)`}
        </Text>
      )}
    </>
  )
}

export function Adapters({ report }: { readonly report: MachineReport }) {
  const adapters = report.adapters.map((adapter) => [`Adapter ${adapter.index + 1}`, adapterText(adapter)])
  return <Facts of={adapters.length === 0 ? { Adapters: 'none' } : Object.fromEntries(adapters)} />
}

export function Ports({ report }: { readonly report: MachineReport }) {
  const serial = report.serialPorts.map((port) => [
    `COM${port.index + 1}`,
    pathOr('none', port.kind === 'none' ? undefined : `${port.kind} ${port.path ?? ''}`),
  ])
  return (
    <Facts
      of={{
        ...Object.fromEntries(serial),
        LPT1: report.parallelPort,
      }}
    />
  )
}

function adapterText({ network, mac }: MachineReport['adapters'][number]): ReactNode {
  return (
    <>
      {network}{' '}
      <Text span size="xs" c="dimmed">
        {mac ?? 'address made at the first start'}
      </Text>
    </>
  )
}
