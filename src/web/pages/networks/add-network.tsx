import { Button, Paper } from '@mantine/core'
import { IconFileImport } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useNavigate, useSearchParams } from 'react-router'
import { call } from '../../client.ts'
import { ErrorCard } from '../../parts/error-card.tsx'
import { baseName } from '../../parts/format.ts'
import { Page } from '../../parts/page.tsx'
import { PathField } from '../../parts/path-field.tsx'
import { ReasonButton } from '../../parts/reason-button.tsx'
import { reportDone } from '../../parts/toast.tsx'
import { inspectionQuery } from '../../queries.ts'
import { InspectionView } from '../../reports/inspection.tsx'

/** Add an existing network by the path of its file; what is in it is shown before it is added. */
export function AddNetwork() {
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
      title="Add existing networks"
      lead="A .vnc file of Virtual Server is one network and stays where it lies. An Options.xml of Virtual PC or Virtual Server holds several; each becomes a file here."
    >
      <Paper p="md" mb="md">
        <form onSubmit={submit}>
          <PathField
            label="Full path of the file"
            description="A .vnc file or an Options.xml, on the computer Vivarium runs on."
            wanted={['network']}
            placeholder="/srv/networks/Lab.vnc"
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
                  reason={typed.trim() === '' ? 'Give the path of a file first.' : undefined}
                  onClick={() => add.mutate(typed.trim())}
                >
                  Add
                </ReasonButton>
              </>
            }
          />
        </form>
      </Paper>
      <section aria-live="polite" aria-label="The chosen file">
        {add.isError && <ErrorCard title="The network was not added" error={add.error} />}
        {inspection.isError && (
          <ErrorCard title={`${baseName(shown)} cannot be read`} error={inspection.error} />
        )}
        {inspection.isSuccess && <InspectionView inspection={inspection.data} />}
      </section>
    </Page>
  )
}

function useAdd() {
  const cache = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    meta: { quiet: true },
    mutationFn: (path: string) => call('addNetworks', { path }),
    onSuccess: (added) => {
      void cache.invalidateQueries({ queryKey: ['networks'] })
      void cache.invalidateQueries({ queryKey: ['adapters'] })
      const [first] = added
      if (added.length === 1 && first !== undefined) {
        reportDone(`${first.name} was added.`)
        navigate(`/network/${first.key}`)
      } else {
        reportDone(`Added: ${added.map(({ name }) => name).join(', ') || 'nothing new'}.`)
        navigate('/networks')
      }
    },
  })
}
