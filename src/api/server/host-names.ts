import { hostname, networkInterfaces } from 'node:os'

/** The form of a host name, or address, in a URL and so in Host: lower case, IPv6 in brackets; undefined if it is none. */
export function canonicalHost(name: string): string | undefined {
  const bare = name.replace(/^\[(.*)\]$/, '$1')
  if (bare === '' || /[/?#@\\\s]/.test(bare)) return undefined
  return URL.parse(`http://${bare.includes(':') ? `[${bare}]` : bare}`)?.hostname
}

/** The addresses that mean "every interface"; nobody can be called by them. */
export function isWildcard(host: string): boolean {
  return ['0.0.0.0', '[::]'].includes(canonicalHost(host) ?? '')
}

/** The names of a server that listens on `host`. Interfaces come and go, so it is asked anew. */
export function namesOf(host: string): string[] {
  if (!isWildcard(host)) return [host]
  const name = hostname()
  return [...addresses().map(({ address }) => address), name, `${name.split('.')[0]}.local`]
}

/** The address to print for others to use. */
export function reachableHost(host: string): string {
  if (!isWildcard(host)) return canonicalHost(host) ?? host
  return addresses().find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}

function addresses() {
  return Object.values(networkInterfaces()).flatMap((some) => some ?? [])
}
