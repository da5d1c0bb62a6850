import { Badge, Box, Button, Group, Progress, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Task } from '../../api/index.ts'
import { call } from '../client.ts'
import { isActive } from '../live/live-cache.ts'
import { formatDuration } from './format.ts'
import { Ago } from './times.tsx'

const STATES = {
  waiting: { label: 'waiting', color: 'gray' },
  running: { label: 'running', color: 'teal' },
  done: { label: 'done', color: 'fern' },
  failed: { label: 'failed', color: 'red' },
  cancelled: { label: 'cancelled', color: 'gray' },
} as const satisfies Record<Task['state'], unknown>

/** One task: what it does, how far it is, how long it will take, and a way to stop it. */
export function TaskLine({ task }: { readonly task: Task }) {
  const cache = useQueryClient()
  const cancel = useMutation({
    mutationFn: () => call('cancelTask', { id: task.id }),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['tasks'] }),
  })
  const look = STATES[task.state]
  return (
    <Box>
      <Group justify="space-between" gap="sm" wrap="nowrap">
        <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {task.title}
        </Text>
        <Group gap="xs" wrap="nowrap">
          <Badge variant="light" color={look.color} tt="none" radius="sm">
            {look.label}
          </Badge>
          {isActive(task) && task.cancelable && (
            <Button
              size="compact-xs"
              variant="default"
              loading={cancel.isPending}
              onClick={() => cancel.mutate()}
            >
              Cancel
            </Button>
          )}
        </Group>
      </Group>
      {task.state === 'running' && (
        <Progress.Root size={8} mt={6} transitionDuration={400}>
          <Progress.Section value={task.percent} aria-label={task.title} animated />
        </Progress.Root>
      )}
      <Text size="xs" c="dimmed" mt={4} component="div">
        {isActive(task) ? <Remaining task={task} /> : <Ended task={task} />}
      </Text>
    </Box>
  )
}

function Remaining({ task }: { readonly task: Task }) {
  if (task.state === 'waiting') return <>It begins when one of those that run now has ended.</>
  const parts = [
    `${Math.floor(task.percent)} %`,
    task.detail,
    task.etaSeconds !== undefined && `about ${formatDuration(task.etaSeconds)} left`,
  ]
  return <>{parts.filter((part) => typeof part === 'string').join(' · ')}</>
}

function Ended({ task }: { readonly task: Task }) {
  if (task.endedAt === undefined) return null
  const seconds = (Date.parse(task.endedAt) - Date.parse(task.startedAt)) / 1000
  return (
    <>
      <Ago time={task.endedAt} />, took {formatDuration(seconds)}
    </>
  )
}
