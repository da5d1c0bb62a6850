import { type InfiniteData, type QueryClient, useQueryClient } from '@tanstack/react-query'
import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import type { LiveMessage, MachineDetails, MachineSummary, ServerEvent, Task } from '../../api/index.ts'
import { socketUrl } from '../client.ts'
import { reportDone, reportRecord } from '../parts/toast.tsx'
import { type EventsOf, eventsKey } from '../queries.ts'
import { addEvent, endedTasks, mergeDetails, mergeTasks, needsDetails } from './live-cache.ts'
import { type LinkState, LiveLink } from './live-link.ts'

/** Opens the live link for as long as the shell is on screen, and feeds the query cache from it. */
export function useLiveLink(): { state: LinkState; retry: () => void } {
  const cache = useQueryClient()
  const [link, setLink] = useState<LiveLink>()
  useEffect(() => {
    const opened = new LiveLink(socketUrl('/api/live'), {
      connected: (again) => {
        if (again) void cache.invalidateQueries()
      },
      lost: () => void cache.invalidateQueries({ queryKey: ['session'] }),
      message: (message) => apply(cache, message),
    })
    setLink(opened)
    return () => opened.close()
  }, [cache])
  const state = useSyncExternalStore(link?.watch ?? watchNothing, () => link?.state ?? 'connecting')
  return { state, retry: () => link?.retry() }
}

const watchNothing = () => () => {}

/** Whether what is on screen is current; buttons that need the server are of no use while it is not. */
export const LinkStateContext = createContext<LinkState>('connecting')
export const useLinkState = () => useContext(LinkStateContext)

function apply(cache: QueryClient, message: LiveMessage): void {
  if (message.type === 'machines')
    for (const machine of setMachines(cache, message.machines)) followDetails(cache, machine)
  else if (message.type === 'tasks') setTasks(cache, message.tasks)
  else if (message.type === 'networks') cache.setQueryData(['networks'], message.networks)
  else {
    const { machineId, networkKey } = message.event
    addToEvents(cache, {}, message.event)
    if (machineId !== undefined) addToEvents(cache, { machineId }, message.event)
    if (networkKey !== undefined) addToEvents(cache, { networkKey }, message.event)
  }
}

function setMachines(cache: QueryClient, machines: MachineSummary[]): MachineSummary[] {
  cache.setQueryData(['machines'], machines)
  return machines
}

/** Puts the answer of an action on screen without waiting for the live message that follows it. */
export function putMachine(cache: QueryClient, machine: MachineSummary): void {
  cache.setQueryData<MachineSummary[]>(['machines'], (known) =>
    known?.map((one) => (one.id === machine.id ? machine : one)),
  )
  followDetails(cache, machine)
}

function followDetails(cache: QueryClient, machine: MachineSummary): void {
  const key = ['machine', machine.id]
  const details = cache.getQueryData<MachineDetails>(key)
  if (details === undefined) return
  const stale = needsDetails(details, machine)
  cache.setQueryData(key, mergeDetails(details, machine))
  if (stale) void cache.invalidateQueries({ queryKey: key })
}

function setTasks(cache: QueryClient, changed: Task[]): void {
  const known = cache.getQueryData<Task[]>(['tasks'])
  for (const task of endedTasks(known ?? [], changed)) {
    if (task.state === 'done') reportDone(`${task.title}: done.`)
    if (task.state === 'failed') reportRecord(`${task.title}: failed`, task.error)
  }
  // Before the first answer of /api/tasks a message would look like the whole list and is not.
  if (known === undefined) void cache.invalidateQueries({ queryKey: ['tasks'] })
  else cache.setQueryData(['tasks'], mergeTasks(known, changed))
}

function addToEvents(cache: QueryClient, of: EventsOf, event: ServerEvent): void {
  cache.setQueryData<InfiniteData<ServerEvent[], number>>(
    eventsKey(of),
    (known) => known && { ...known, pages: addEvent(known.pages, event) },
  )
}
