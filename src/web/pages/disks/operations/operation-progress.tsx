import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { Link } from 'react-router'
import { isActive } from '../../../live/live-cache.ts'
import { RecordText } from '../../../parts/error-card.tsx'
import { ProblemList } from '../../../parts/problem-list.tsx'
import { TaskLine } from '../../../parts/task-line.tsx'
import { tasksQuery } from '../../../queries.ts'
import { isPlan, OperationResult } from './operation-result.tsx'

interface ProgressProps {
  readonly taskId: string
  readonly resultPath: string | undefined
  readonly onAgain: () => void
  readonly onClose: (() => void) | undefined
}

/** The task of an operation: its progress, then what came of it. Closing it stops nothing. */
export function OperationProgress({ taskId, resultPath, onAgain, onClose }: ProgressProps) {
  const cache = useQueryClient()
  const task = useQuery({ ...tasksQuery, staleTime: 0 }).data?.find((one) => one.id === taskId)
  const state = task?.state
  useEffect(() => {
    // What was inspected before may be another disk now.
    if (state === 'done' || state === 'failed' || state === 'cancelled')
      void cache.invalidateQueries({ queryKey: ['inspection'] })
  }, [state, cache])
  return (
    <Stack gap="md">
      {task !== undefined && <TaskLine task={task} />}
      {task?.error !== undefined && <RecordText record={task.error} />}
      {state === 'done' && <OperationResult result={task?.result} />}
      {task?.notes !== undefined && task.notes.length > 0 && <ProblemList problems={task.notes} />}
      {task !== undefined && isActive(task) && (
        <Text size="xs" c="dimmed">
          It goes on when this is closed; Tasks shows it.
        </Text>
      )}
      <Group justify="flex-end">
        {(state === 'failed' || state === 'cancelled' || isPlan(task?.result)) && (
          <Button variant="default" onClick={onAgain}>
            Back to the form
          </Button>
        )}
        {state === 'done' && resultPath !== undefined && (
          <Button
            component={Link}
            variant="default"
            to={`/disks/inspect?path=${encodeURIComponent(resultPath)}`}
            {...(onClose && { onClick: onClose })}
          >
            Inspect it
          </Button>
        )}
        {onClose !== undefined && <Button onClick={onClose}>Close</Button>}
      </Group>
    </Stack>
  )
}
