import { ScrollArea, Table, Text, Tooltip } from '@mantine/core'
import { formatSize } from '../../base/index.ts'
import type { DiskReport, PartitionReport } from '../../disk/index.ts'
import { colorOf, type Segment, segmentsOf } from './disk-bar.ts'
import classes from './reports.module.css'

/** The disk from left to right, and the same as a table. */
export function Partitions({ report }: { readonly report: DiskReport }) {
  if (report.partitionScheme === 'unreadable')
    return <Text size="sm">The first sectors cannot be read, so there is no partition table to show.</Text>
  const segments = segmentsOf(report.partitions, report.virtualSize)
  return (
    <>
      <div className={classes.bar} role="img" aria-label={spoken(report)}>
        {segments.map((segment) => (
          <Piece key={segment.offset} segment={segment} />
        ))}
      </div>
      {report.partitions.length === 0 ? (
        <Text size="sm" c="dimmed" mt="sm">
          {report.partitionScheme === 'none'
            ? 'No partition table: the disk is blank, or one file system fills it.'
            : 'The partition table is empty.'}
        </Text>
      ) : (
        <PartitionTable partitions={report.partitions} />
      )}
    </>
  )
}

function spoken({ partitions }: DiskReport): string {
  if (partitions.length === 0) return 'No partitions'
  return partitions
    .map((one) => `Partition ${one.number}: ${nameOf(one)}, ${formatSize(one.sizeBytes)}`)
    .join('; ')
}

function nameOf(partition: PartitionReport): string {
  return partition.label ?? partition.name ?? partition.fileSystem ?? partition.typeName
}

function Piece({ segment: { partition, sizeBytes, width } }: { readonly segment: Segment }) {
  const color = partition && colorOf(partition)
  const name = partition === undefined ? 'Free' : nameOf(partition)
  return (
    <Tooltip label={`${name}, ${formatSize(sizeBytes)}`}>
      <div
        className={classes.piece}
        data-free={partition === undefined}
        style={{ width: `${width}%`, '--piece': color }}
      >
        <strong className="one-line">{name}</strong>
        <span className="one-line">{formatSize(sizeBytes)}</span>
      </div>
    </Tooltip>
  )
}

function PartitionTable({ partitions }: { readonly partitions: readonly PartitionReport[] }) {
  return (
    <ScrollArea mt="sm" type="auto">
      <Table miw={560}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>No.</Table.Th>
            <Table.Th>Type</Table.Th>
            <Table.Th>File system</Table.Th>
            <Table.Th>Label</Table.Th>
            <Table.Th ta="right">Starts at</Table.Th>
            <Table.Th ta="right">Size</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {partitions.map((partition) => (
            <Table.Tr key={`${partition.number} ${partition.offset}`}>
              <Table.Td>
                {partition.number}
                {partition.active && ' (active)'}
              </Table.Td>
              <Table.Td>
                {partition.typeName}{' '}
                <Text span size="xs" c="dimmed">
                  {partition.type}
                </Text>
              </Table.Td>
              <Table.Td>{partition.fileSystem ?? '—'}</Table.Td>
              <Table.Td>{partition.label ?? partition.name ?? '—'}</Table.Td>
              <Table.Td ta="right">{formatSize(partition.offset)}</Table.Td>
              <Table.Td ta="right">{formatSize(partition.sizeBytes)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  )
}
