import { queryOptions, useQuery } from '@tanstack/react-query'
import { call } from '../client.ts'
import { networksQuery } from '../queries.ts'
import { TrafficHistory } from './traffic.ts'

/** What the network pages ask for. Counters have no live message: they are asked for again while on screen. */

const histories = new Map<string, TrafficHistory>()

/** Outlives the page, so that its picture goes on when one comes back to it. */
export function trafficOf(key: string): TrafficHistory {
  let history = histories.get(key)
  if (history === undefined) {
    history = new TrafficHistory()
    histories.set(key, history)
  }
  return history
}

export function networkQuery(key: string) {
  return queryOptions({
    queryKey: ['network', key],
    queryFn: async () => {
      const details = await call('network', { key })
      if (details.status !== undefined) trafficOf(key).add(Date.now(), details.status)
      return details
    },
    refetchInterval: 2_000,
    staleTime: 1_000,
  })
}

/** The last hour, as the switch kept it; also from before this page was opened. */
export function networkHistoryQuery(key: string) {
  return queryOptions({
    queryKey: ['network-history', key],
    queryFn: () => call('networkHistory', { key }),
    refetchInterval: 10_000,
    staleTime: 5_000,
  })
}

export const adaptersQuery = queryOptions({
  queryKey: ['adapters'],
  queryFn: () => call('adapters', {}),
  refetchInterval: 5_000,
  staleTime: 2_000,
})

export const uplinksQuery = queryOptions({ queryKey: ['uplinks'], queryFn: () => call('uplinks', {}) })

export function leasesQuery(key: string) {
  return queryOptions({
    queryKey: ['leases', key],
    queryFn: () => call('leases', { key }),
    refetchInterval: 3_000,
    staleTime: 1_000,
  })
}

export const capturesQuery = queryOptions({
  queryKey: ['captures'],
  queryFn: () => call('captures', {}),
  refetchInterval: 2_000,
  staleTime: 1_000,
})

export const captureFilesQuery = queryOptions({
  queryKey: ['capture-files'],
  queryFn: () => call('captureFiles', {}),
  refetchInterval: 5_000,
  staleTime: 1_000,
})

export const useNetworks = () => useQuery(networksQuery)
export const useNetwork = (key: string) => useQuery(networkQuery(key))
export const useAdapters = () => useQuery(adaptersQuery)
