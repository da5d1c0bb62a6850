import { isIPv6 } from 'node:net'
import type { NbdAddress } from '../../system/index.ts'

/** IANA's port for NBD. */
export const NBD_PORT = 10809

/** The NBD URI scheme, as libnbd and QEMU read it (NetworkBlockDevice, doc/uri.md). */
export function nbdUri(address: NbdAddress, exportName: string, tls: boolean): string {
  const scheme = tls ? 'nbds' : 'nbd'
  const name = encodeURIComponent(exportName)
  if ('path' in address) return `${scheme}+unix:///${name}?socket=${encodePath(address.path)}`
  const host = isIPv6(address.host) ? `[${address.host}]` : address.host
  return `${scheme}://${host}${address.port === NBD_PORT ? '' : `:${address.port}`}/${name}`
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
