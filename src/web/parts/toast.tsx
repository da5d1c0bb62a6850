import { Button, Group } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { describeError, type ErrorRecord, VivariumError } from '../../base/index.ts'

/** Messages that come and go; each is announced to screen readers by its role "alert". */
export function reportDone(message: string): void {
  notifications.show({ message, color: 'fern' })
}

export function reportError(error: unknown): void {
  const record = error instanceof VivariumError ? error.toJSON() : undefined
  notifications.show({
    title: record?.message ?? describeError(error),
    message: record?.next ?? '',
    color: 'red',
    autoClose: 12_000,
  })
}

export function reportRecord(title: string, record: ErrorRecord | undefined): void {
  const details = [record?.message, record?.next].filter((text) => text !== undefined).join(' ')
  notifications.show({ title, message: details, color: 'red', autoClose: 12_000 })
}

/** What was done, and a way back for as long as it is shown. */
export function reportUndoable(message: string, undo: () => void): void {
  const id = `undo-${Math.random()}`
  notifications.show({
    id,
    color: 'fern',
    autoClose: 12_000,
    message: (
      <Group justify="space-between" gap="sm" wrap="nowrap">
        {message}
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => {
            notifications.hide(id)
            undo()
          }}
        >
          Undo
        </Button>
      </Group>
    ),
  })
}
