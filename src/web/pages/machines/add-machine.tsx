import { Alert, Anchor, Button, Center, Loader, Paper } from '@mantine/core'
import { IconFileImport, IconInfoCircle } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Link, useNavigate, useSearchParams } from 'react-router'
import type { Inspection } from '../../../api/index.ts'
import { call } from '../../client.ts'
import { ErrorCard } from '../../parts/error-card.tsx'
import { baseName } from '../../parts/format.ts'
import { Page } from '../../parts/page.tsx'
import { PathField } from '../../parts/path-field.tsx'
import { ReasonButton } from '../../parts/reason-button.tsx'
import { reportDone } from '../../parts/toast.tsx'
import { inspectionQuery } from '../../queries.ts'
import { inspectAddress } from '../../reports/inspect-address.ts'
import { InspectionView } from '../../reports/inspection.tsx'

/** Add an existing machine, Virtual Server's way: by its full path; what is in it is shown before it is added. */
export function AddMachine() {
  const [search] = useSearchParams()
  const [typed, setTyped] = useState(search.get('path') ?? '')
  const [shown, setShown] = useState(typed)
  const inspection = useQuery({ ...inspectionQuery(shown), enabled: shown !== '' })
  const add = useAdd()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setShown(typed.trim())
  }
  return (
    <Page
      title="Add an existing machine"
      lead="A machine of Virtual PC or Virtual Server stays where it lies. It starts with undo disks, so that looking at it changes nothing."
    >
      <Paper p="md" mb="md">
        <form onSubmit={submit}>
          <PathField
            label="Full path of the machine's file"
            description="The .vmc file, on the computer Vivarium runs on."
            wanted={['machine']}
            placeholder="/srv/machines/Windows XP/Windows XP.vmc"
            value={typed}
            onChange={setTyped}
            onChosen={setShown}
            action={
              <>
                <Button type="submit" variant="default" loading={inspection.isFetching}>
                  Look inside
                </Button>
                <ReasonButton
                  leftSection={<IconFileImport size={18} />}
                  loading={add.isPending}
                  reason={whyNotAdd(typed, shown, inspection.data)}
                  onClick={() => add.mutate(typed.trim())}
                >
                  Add
                </ReasonButton>
              </>
            }
          />
        </form>
      </Paper>
      <section aria-live="polite" aria-label="The chosen machine">
        {add.isError && <ErrorCard title="The machine was not added" error={add.error} />}
        {shown !== '' && inspection.isPending && (
          <Center mih={160}>
            <Loader aria-label="Reading the file" />
          </Center>
        )}
        {inspection.isError && (
          <ErrorCard title={`${baseName(shown)} cannot be read`} error={inspection.error} />
        )}
        {inspection.isSuccess && <Chosen inspection={inspection.data} path={shown} />}
      </section>
    </Page>
  )
}

function useAdd() {
  const cache = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    meta: { quiet: true },
    mutationFn: (path: string) => call('addMachine', { path }),
    onSuccess: (machine) => {
      void cache.invalidateQueries({ queryKey: ['machines'] })
      reportDone(`${machine.name} was added.`)
      navigate(`/machines/${machine.id}`)
    },
  })
}

/** A path that was not looked at can be added too: the server reads it again and says what is wrong. */
function whyNotAdd(typed: string, shown: string, inspection: Inspection | undefined): string | undefined {
  if (typed.trim() === '') return 'Give the path of a machine first.'
  if (typed.trim() === shown && inspection !== undefined && inspection.kind !== 'machine')
    return 'This file is not a machine.'
  return undefined
}

function Chosen({ inspection, path }: { readonly inspection: Inspection; readonly path: string }) {
  if (inspection.kind === 'machine') return <InspectionView inspection={inspection} />
  return (
    <Alert color="amber" icon={<IconInfoCircle />} title={`${baseName(path)} is not a machine`}>
      {inspection.kind === 'disk' ? (
        <>
          It is a virtual disk. You can{' '}
          <Anchor component={Link} to={inspectAddress(path)} size="sm">
            inspect it
          </Anchor>{' '}
          or{' '}
          <Anchor component={Link} to={`/machines/create?disk=${encodeURIComponent(path)}`} size="sm">
            create a machine with it
          </Anchor>
          .
        </>
      ) : (
        <>
          It describes virtual networks.{' '}
          <Anchor component={Link} to={inspectAddress(path)} size="sm">
            Inspect it
          </Anchor>{' '}
          to see them.
        </>
      )}
    </Alert>
  )
}
