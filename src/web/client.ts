import './strict-policy.ts'
import { createClient } from '../api/index.ts'

/** The one door to the server; the session's cookie comes along by itself. */
export const call = createClient()

/** Where pictures of a machine are. The number makes a new picture a new address, so it can be cached for ever. */
export function thumbnailUrl(id: string, version: number): string {
  return `/api/machines/${encodeURIComponent(id)}/thumbnail.png?v=${version}`
}

export function screenUrl(id: string): string {
  return `/api/machines/${encodeURIComponent(id)}/screen.png`
}

/** A WebSocket address of the server this page came from. */
export function socketUrl(path: string, page: Pick<Location, 'protocol' | 'host'> = location): string {
  return `${page.protocol === 'https:' ? 'wss:' : 'ws:'}//${page.host}${path}`
}

export function consoleUrl(id: string): string {
  return socketUrl(`/api/machines/${encodeURIComponent(id)}/console`)
}

/** A disk with all its parents as one file of that format. */
export function downloadUrl(path: string, name: string, format: string, subformat?: string): string {
  const query = new URLSearchParams({ path, name, format, ...(subformat !== undefined && { subformat }) })
  return `/api/disks/download?${query}`
}
