import { Button, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { Link, useNavigate } from 'react-router'
import { isSameMachineName } from '../../../machine/index.ts'
import { RecordText } from '../../parts/error-card.tsx'
import { Panel } from '../../parts/panel.tsx'
import { TaskLine } from '../../parts/task-line.tsx'
import { tasksQuery, useMachines } from '../../queries.ts'

interface ProgressProps {
  readonly taskId: string
  readonly name: string
  /** Back to the form, with everything still in it. */
  readonly onAgain: () => void
}

/** Follows the task that creates the machine, and goes to the machine when it is there. */
export function CreateProgress({ taskId, name, onAgain }: ProgressProps) {
  const navigate = useNavigate()
  const task = useQuery({ ...tasksQuery, staleTime: 0 }).data?.find((one) => one.id === taskId)
  const machines = useMachines().data ?? []
  // The machine is in the list at the latest when its task is done.
  const named = machines.findLast((machine) => isSameMachineName(machine.name, name.trim()))
  const made = task?.state === 'done' ? (task.machineId ?? named?.id) : undefined
  useEffect(() => {
    if (made !== undefined) navigate(`/machines/${made}`, { replace: true })
  }, [made, navigate])
  return (
    <Panel title={`Creating ${name}`}>
      {task !== undefined && <TaskLine task={task} />}
      {task?.error !== undefined && <RecordText record={task.error} />}
      <Group mt="md">
        {(task?.state === 'failed' || task?.state === 'cancelled') && (
          <Button onClick={onAgain}>Back to the form</Button>
        )}
        <Button component={Link} to="/" variant="default">
          Master Status
        </Button>
      </Group>
    </Panel>
  )
}
