import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { Input, MachineSummary } from '../../api/index.ts'
import { call } from '../client.ts'
import { putMachine } from '../live/use-live.ts'
import type { MachineAction } from './machine-actions.ts'

/** Actions that need the machine's id and nothing else. */
const ROUTES = {
  turnOn: 'startMachine',
  pause: 'pauseMachine',
  resume: 'resumeMachine',
  reset: 'resetMachine',
  shutDown: 'shutDownMachine',
  discardUndo: 'discardUndo',
} as const satisfies Partial<Record<MachineAction, string>>

export type PlainAction = keyof typeof ROUTES

/** Errors become toasts (see query-client); what the server answers is on screen at once. */
export function useMachineAct(id: string) {
  const cache = useQueryClient()
  const onSuccess = (machine: MachineSummary) => putMachine(cache, machine)
  const plain = useMutation({ mutationFn: (action: PlainAction) => call(ROUTES[action], { id }), onSuccess })
  const turnOff = useMutation({
    mutationFn: (undo: Input<'turnOffMachine'>['undo']) => call('turnOffMachine', { id, undo }),
    onSuccess,
  })
  const change = useMutation({
    mutationFn: (input: Omit<Input<'changeMachine'>, 'id'>) => call('changeMachine', { id, ...input }),
    onSuccess: (machine) => {
      onSuccess(machine)
      return cache.invalidateQueries({ queryKey: ['machine', id] })
    },
  })
  const commit = useMutation({ mutationFn: () => call('commitUndo', { id }) })
  const remove = useMutation({
    mutationFn: (deleteFiles: boolean) => call('removeMachine', { id, deleteFiles }),
    onSuccess: () => {
      cache.setQueryData<MachineSummary[]>(['machines'], (known) => known?.filter((one) => one.id !== id))
    },
  })
  const busy = plain.isPending || turnOff.isPending || commit.isPending || remove.isPending
  return { plain, turnOff, change, commit, remove, busy }
}

export type MachineActs = ReturnType<typeof useMachineAct>
