import { queryOptions, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { ServerEvent } from '../api/index.ts'
import { call } from './client.ts'

/** What the pages ask the server for; the live link writes into the same cache under the same keys. */
export const sessionQuery = queryOptions({ queryKey: ['session'], queryFn: () => call('session', {}) })
export const machinesQuery = queryOptions({ queryKey: ['machines'], queryFn: () => call('machines', {}) })
export const tasksQuery = queryOptions({ queryKey: ['tasks'], queryFn: () => call('tasks', {}) })
/** Memory, disk space, engines and leases have no live message: they are asked for again while on screen. */
export const hostQuery = queryOptions({
  queryKey: ['host'],
  queryFn: () => call('host', {}),
  refetchInterval: 15_000,
})
export const networksQuery = queryOptions({
  queryKey: ['networks'],
  queryFn: () => call('networks', {}),
  refetchInterval: 10_000,
})

export function machineQuery(id: string) {
  return queryOptions({ queryKey: ['machine', id], queryFn: () => call('machine', { id }) })
}

export function folderQuery(path: string | undefined) {
  return queryOptions({
    queryKey: ['folder', path ?? ''],
    queryFn: () => call('folder', path === undefined ? {} : { path }),
    staleTime: 5_000,
  })
}

export function inspectionQuery(path: string) {
  return queryOptions({
    queryKey: ['inspection', path],
    queryFn: () => call('inspect', { path }),
    staleTime: 0,
    retry: false,
  })
}

/** What a running machine writes shows when the folder is opened again. */
export function diskVolumesQuery(path: string) {
  return queryOptions({
    queryKey: ['disk-volumes', path],
    queryFn: () => call('diskVolumes', { path }),
    retry: false,
  })
}

export function diskFolderQuery(path: string, volume: number, inside: string) {
  return queryOptions({
    queryKey: ['disk-folder', path, volume, inside],
    queryFn: () => call('diskFolder', { path, volume, inside }),
    staleTime: 0,
    retry: false,
  })
}

export function diskGuestQuery(path: string) {
  return queryOptions({
    queryKey: ['disk-guest', path],
    queryFn: () => call('diskGuest', { path }),
    retry: false,
  })
}

export const useMachines = () => useQuery(machinesQuery)
export const useMachine = (id: string) => useQuery(machineQuery(id))
export const useTasks = () => useQuery(tasksQuery)
export const useHost = () => useQuery(hostQuery)

export const EVENTS_PAGE = 100

/** Whose events: of everything, of one machine, or of one network. */
export interface EventsOf {
  readonly machineId?: string
  readonly networkKey?: string
}

export function eventsKey({ machineId, networkKey }: EventsOf = {}): readonly string[] {
  if (networkKey !== undefined) return ['events', 'network', networkKey]
  return machineId === undefined ? ['events', 'all'] : ['events', 'machine', machineId]
}

/** Newest first; older pages on demand. */
export function useEvents(of: EventsOf = {}) {
  return useInfiniteQuery({
    queryKey: eventsKey(of),
    queryFn: ({ pageParam }) =>
      call('events', {
        limit: EVENTS_PAGE,
        ...(pageParam > 0 && { before: pageParam }),
        ...of,
      }),
    initialPageParam: 0,
    getNextPageParam: (page: ServerEvent[]) => (page.length < EVENTS_PAGE ? undefined : page.at(-1)?.id),
  })
}
