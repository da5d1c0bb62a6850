import { Button, Group, List, Stack, Text } from '@mantine/core'
import { IconCirclePlus } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useSearchParams } from 'react-router'
import { call } from '../../client.ts'
import { Page } from '../../parts/page.tsx'
import { Panel } from '../../parts/panel.tsx'
import { hostQuery } from '../../queries.ts'
import classes from './create.module.css'
import { DiskFields, GuestFields, MoreFields } from './create-fields.tsx'
import { type CreateForm, checkForm, EMPTY_FORM, requestOf, summaryOf } from './create-form.ts'
import { CreateProgress } from './create-progress.tsx'

/** The New Virtual Machine Wizard on one page. */
export function CreateMachine() {
  const [search] = useSearchParams()
  const [form, setForm] = useState<CreateForm>(() => startForm(search.get('disk')))
  const [tried, setTried] = useState(false)
  const [taskId, setTaskId] = useState<string>()
  const host = useQuery(hostQuery).data
  const create = useMutation({
    mutationFn: () => call('createMachine', requestOf(form)),
    onSuccess: (answer) => setTaskId(answer.taskId),
  })
  const errors = checkForm(form)
  const fields = {
    form,
    errors: tried ? errors : {},
    change: (part: Partial<CreateForm>) => setForm((old) => ({ ...old, ...part })),
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (Object.keys(errors).length === 0) create.mutate()
  }
  return (
    <Page
      title="Create a machine"
      lead="A new machine in a folder of its own, as Virtual PC makes it: a VMC file and a VHD."
    >
      {taskId !== undefined && (
        <CreateProgress taskId={taskId} name={form.name} onAgain={() => setTaskId(undefined)} />
      )}
      <form onSubmit={submit} noValidate hidden={taskId !== undefined}>
        <div className={classes.layout}>
          <Stack gap="md">
            <GuestFields {...fields} libraryFolder={host?.libraryFolder ?? ''} />
            <DiskFields {...fields} />
            <MoreFields {...fields} />
          </Stack>
          <div className={classes.summary}>
            <Panel title="What will be made">
              <List size="sm" spacing={6} style={{ overflowWrap: 'anywhere' }}>
                {summaryOf(form, host?.libraryFolder ?? 'the library').map((line) => (
                  <List.Item key={line}>{line}</List.Item>
                ))}
              </List>
              {tried && Object.keys(errors).length > 0 && (
                <Text size="sm" c="red" mt="sm" role="alert">
                  {Object.values(errors)[0]}
                </Text>
              )}
              <Group mt="md">
                <Button
                  type="submit"
                  fullWidth
                  loading={create.isPending}
                  leftSection={<IconCirclePlus size={18} />}
                >
                  Create
                </Button>
              </Group>
            </Panel>
          </div>
        </div>
      </form>
    </Page>
  )
}

/** From Inspect or Add one comes here with a disk in hand. */
function startForm(disk: string | null): CreateForm {
  return disk === null ? EMPTY_FORM : { ...EMPTY_FORM, diskKind: 'existing', existing: disk }
}
