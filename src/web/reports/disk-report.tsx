import { Code, Progress, Stack, Text } from '@mantine/core'
import { formatSize } from '../../base/index.ts'
import type { DiskReport } from '../../disk/index.ts'
import { Facts } from '../parts/facts.tsx'
import { formatWhen, percentOf } from '../parts/format.ts'
import { Panel } from '../parts/panel.tsx'
import { ChainStack } from './chain-stack.tsx'
import { FilesPanel } from './disk-files/files-panel.tsx'
import { GuestFact } from './guest-fact.tsx'
import { Partitions } from './partition-bar.tsx'
import { ReportProblems } from './report-problems.tsx'
import classes from './reports.module.css'

const NUMBER = new Intl.NumberFormat('en-GB')

export function DiskReportView({ report }: { readonly report: DiskReport }) {
  return (
    <Stack gap="md">
      <ReportProblems problems={report.problems} />
      <div className={classes.columns}>
        <Stack gap="md">
          <Panel title="Disk">
            <DiskFacts report={report} />
          </Panel>
          <Panel title="Size">
            <Sizes report={report} />
          </Panel>
        </Stack>
        <Panel title={report.chain.length > 0 ? 'Chain' : 'Layers'}>
          <ChainStack report={report} />
        </Panel>
      </div>
      <Panel title={`Partitions${SCHEMES[report.partitionScheme]}`}>
        <Partitions report={report} />
      </Panel>
      {report.partitionScheme !== 'unreadable' && <FilesPanel path={report.path} />}
    </Stack>
  )
}

const SCHEMES = { mbr: ' (MBR)', gpt: ' (GPT)', none: '', unreadable: '' } as const satisfies Record<
  DiskReport['partitionScheme'],
  string
>

function DiskFacts({ report }: { readonly report: DiskReport }) {
  const { creator, geometry } = report
  return (
    <Facts
      of={{
        File: <span className="path">{report.path}</span>,
        Format: `${report.format.toUpperCase()}, ${report.subformat}`,
        'Created by': creator && (
          <>
            {creator.product} <Code fz="xs">{creator.application.trim()}</Code> {creator.version}
            {creator.hostOs === '' ? '' : `, ${creator.hostOs}`}
          </>
        ),
        Time: report.time && (
          <>
            {formatWhen(report.time)}
            {report.timeNote !== undefined && (
              <Text size="xs" c="dimmed">
                {report.timeNote}
              </Text>
            )}
          </>
        ),
        'Guest system':
          report.partitionScheme !== 'unreadable' && report.partitions.length > 0 ? (
            <GuestFact report={report} />
          ) : undefined,
        Id: report.id && <code>{report.id}</code>,
        Geometry:
          geometry &&
          `${NUMBER.format(geometry.cylinders)} cylinders × ${geometry.heads} heads × ${geometry.sectorsPerTrack} sectors = ${formatSize(geometry.sizeBytes)}`,
        'Block size': report.blockSize && formatSize(report.blockSize),
      }}
    />
  )
}

function Sizes({ report }: { readonly report: DiskReport }) {
  const share = percentOf(report.allocated, report.virtualSize)
  return (
    <>
      <Progress.Root size={18} aria-label="Allocation">
        <Progress.Section value={share} color="fern" aria-label="Stored in this file" />
      </Progress.Root>
      <Text size="xs" c="dimmed" mt={6} mb="sm">
        {formatSize(report.allocated)} of {formatSize(report.virtualSize)} are stored in{' '}
        {report.fileCount === undefined ? 'this file' : 'these files'} (
        {share < 10 ? share.toFixed(1) : share.toFixed(0)} %)
      </Text>
      <Facts
        of={{
          'The guest sees': exact(report.virtualSize),
          'File length': `${exact(report.fileSize)}${report.fileCount === undefined ? '' : ` in ${report.fileCount} files`}`,
          'Room taken on the host': report.hostBytes === undefined ? undefined : exact(report.hostBytes),
        }}
      />
    </>
  )
}

function exact(bytes: number): string {
  return bytes < 1024 ? formatSize(bytes) : `${formatSize(bytes)} (${NUMBER.format(bytes)} bytes)`
}
