import { Anchor, Box, Center, Divider, Loader, Paper, Text } from '@mantine/core'
import { Link } from 'react-router'
import type { Task } from '../../../api/index.ts'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard, RecordText } from '../../parts/error-card.tsx'
import { Page } from '../../parts/page.tsx'
import { TaskLine } from '../../parts/task-line.tsx'
import { useTasks } from '../../queries.ts'
import { diskOf } from './task-disk.ts'

export function Tasks() {
  const tasks = useTasks()
  return (
    <Page
      title="Tasks"
      lead="Work that takes its time: creating, converting and merging disks, committing undo disks."
      narrow
    >
      {tasks.isError && (
        <ErrorCard title="The tasks cannot be listed" error={tasks.error} retry={() => tasks.refetch()} />
      )}
      {tasks.isPending && (
        <Center mih={160}>
          <Loader aria-label="Loading the tasks" />
        </Center>
      )}
      {tasks.isSuccess && (
        <Paper p="md">
          {tasks.data.length === 0 ? (
            <Empty title="No tasks">
              They appear here by themselves, with their progress, when there are some.
            </Empty>
          ) : (
            tasks.data.map((task, index) => (
              <Box key={task.id}>
                {index > 0 && <Divider my="sm" />}
                <TaskItem task={task} />
              </Box>
            ))
          )}
        </Paper>
      )}
    </Page>
  )
}

function TaskItem({ task }: { readonly task: Task }) {
  return (
    <article aria-label={task.title}>
      <TaskLine task={task} />
      {task.error !== undefined && (
        <Box mt={6}>
          <RecordText record={task.error} />
        </Box>
      )}
      {task.notes !== undefined && task.notes.length > 0 && (
        <Text size="xs" c="dimmed" mt={4}>
          {task.notes.map(({ message }) => message).join(' ')}
        </Text>
      )}
      <TaskDisk task={task} />
      {task.machineId !== undefined && (
        <Anchor component={Link} to={`/machines/${task.machineId}`} size="xs">
          Go to the machine
        </Anchor>
      )}
    </article>
  )
}

/** The disk that came of it, or is worked on, with what is known of its size. */
function TaskDisk({ task }: { readonly task: Task }) {
  const disk = diskOf(task)
  if (disk === undefined) return null
  return (
    <Text size="xs" c="dimmed" component="div">
      <Anchor
        component={Link}
        to={`/disks/inspect?path=${encodeURIComponent(disk.path)}`}
        size="xs"
        className="path"
      >
        {disk.path}
      </Anchor>
      {disk.sizes !== undefined && ` · ${disk.sizes}`}
    </Text>
  )
}
