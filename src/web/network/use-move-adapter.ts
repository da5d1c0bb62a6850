import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Adapter, Input } from '../../api/index.ts'
import { call } from '../client.ts'
import { reportUndoable } from '../parts/toast.tsx'

export interface Move {
  readonly adapter: Adapter
  /** Key of a network; null pulls the cable. */
  readonly network: string | null
}

/** Plugs a cable in elsewhere, also while the machine runs, and offers to plug it back. */
export function useMoveAdapter(nameOf: (key: string) => string) {
  const cache = useQueryClient()
  const refresh = () =>
    Promise.all(
      [['adapters'], ['network'], ['networks'], ['machine']].map((queryKey) =>
        cache.invalidateQueries({ queryKey }),
      ),
    )
  const undo = useMutation({
    mutationFn: (input: Input<'moveAdapter'>) => call('moveAdapter', input),
    onSuccess: refresh,
  })
  return useMutation({
    mutationFn: ({ adapter, network }: Move) =>
      call('moveAdapter', { id: adapter.machineId, index: adapter.index, network }),
    onSuccess: ({ previous }, { adapter, network }) => {
      const what = `${adapter.machineName}, ${adapterName(adapter)}`
      reportUndoable(network === null ? `${what}: unplugged.` : `${what}: now on ${nameOf(network)}.`, () =>
        undo.mutate({ id: adapter.machineId, index: adapter.index, wanted: previous }),
      )
      return refresh()
    },
  })
}

/** As machine files and people count them: from one. */
export function adapterName({ index }: Pick<Adapter, 'index'>): string {
  return `adapter ${index + 1}`
}
