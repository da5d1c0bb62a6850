import { Alert, Button, Code, Text } from '@mantine/core'
import { IconCircleX } from '@tabler/icons-react'
import { describeError, type ErrorRecord, VivariumError } from '../../base/index.ts'

interface ErrorCardProps {
  readonly title: string
  readonly error: unknown
  readonly retry?: () => void
}

/** An error in its place on the page: what happened, where, and the next step. */
export function ErrorCard({ title, error, retry }: ErrorCardProps) {
  const record = error instanceof VivariumError ? error.toJSON() : undefined
  return (
    <Alert color="red" icon={<IconCircleX />} title={title} role="alert">
      {record === undefined ? <Text size="sm">{describeError(error)}</Text> : <RecordText record={record} />}
      {retry !== undefined && (
        <Button mt="sm" size="xs" variant="light" color="red" onClick={retry}>
          Try again
        </Button>
      )}
    </Alert>
  )
}

export function RecordText({ record }: { readonly record: ErrorRecord }) {
  const { path, offset, field } = record.where ?? {}
  return (
    <>
      <Text size="sm">{record.message}</Text>
      {record.next !== undefined && (
        <Text size="sm" mt={4}>
          <strong>What to do: </strong>
          {record.next}
        </Text>
      )}
      <Text size="xs" c="dimmed" mt={4} component="div">
        <Code fz="xs">{record.code}</Code>
        {path !== undefined && <span className="path"> {path}</span>}
        {offset !== undefined && ` at byte 0x${offset.toString(16)}`}
        {field !== undefined && ` (${field})`}
      </Text>
    </>
  )
}
