import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Input, NetworkDetails } from '../../../../api/index.ts'
import { call } from '../../../client.ts'
import { reportDone } from '../../../parts/toast.tsx'
import { type FormResult, NetworkForm } from '../form/network-form.tsx'

/** All settings of a network. What others change meanwhile does not change the form under one's hands. */
export function Configure({ network }: { readonly network: NetworkDetails }) {
  const [start] = useState(network)
  const cache = useQueryClient()
  const change = useMutation({
    meta: { quiet: true },
    mutationFn: ({ name, settings }: FormResult) =>
      call('changeNetwork', {
        key: network.key,
        ...(name !== start.name && { name }),
        settings: settings as Input<'changeNetwork'>['settings'],
      }),
    onSuccess: (changed) => {
      for (const queryKey of [['networks'], ['network', network.key], ['leases', network.key]])
        void cache.invalidateQueries({ queryKey })
      reportDone(`${changed.name}: the settings hold from now on.`)
    },
  })
  return (
    <NetworkForm
      name={start.name}
      settings={start.settings}
      verb="Save"
      busy={change.isPending}
      error={change.error}
      onSubmit={change.mutate}
    />
  )
}
