import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from 'react-router'
import type { CreateNetwork as Request } from '../../../api/index.ts'
import { call } from '../../client.ts'
import { Page } from '../../parts/page.tsx'
import { reportDone } from '../../parts/toast.tsx'
import { type FormResult, NetworkForm } from './form/network-form.tsx'

/** A new network is guests only until it is told otherwise, as in Virtual Server. */
export function CreateNetwork() {
  const cache = useQueryClient()
  const navigate = useNavigate()
  const create = useMutation({
    meta: { quiet: true },
    mutationFn: ({ name, settings }: FormResult) =>
      call('createNetwork', { name, settings: settings as Request['settings'] }),
    onSuccess: (network) => {
      void cache.invalidateQueries({ queryKey: ['networks'] })
      reportDone(`${network.name} was created.`)
      navigate(`/network/${network.key}`)
    },
  })
  return (
    <Page
      title="Create a network"
      lead="A file of its own in the networks folder. Machines are plugged in and out while they run."
      narrow
    >
      <NetworkForm
        name=""
        settings={{}}
        verb="Create"
        busy={create.isPending}
        error={create.error}
        onSubmit={create.mutate}
      />
    </Page>
  )
}
