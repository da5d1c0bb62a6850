import type { NetworkKind } from '../../../api/index.ts'

/** How the site calls what the contract knows by a word. */
export const KINDS = {
  internal: { label: 'Guests only', uplink: 'guests only' },
  nat: { label: 'Shared networking (NAT)', uplink: 'NAT' },
  external: { label: 'External', uplink: "host's network" },
  hostOnly: { label: 'Host only', uplink: 'this host' },
} as const satisfies Record<NetworkKind, unknown>

const SERVICES: Record<string, string> = {
  dhcp: 'DHCP',
  dns: 'DNS',
  wins: 'WINS',
  pxe: 'PXE',
  ipv6: 'IPv6',
  nat: 'NAT',
}

/** A service that the site has no word for keeps its own. */
export function serviceName(name: string): string {
  return SERVICES[name] ?? name
}

/** "framesReceived" -> "Frames received"; "isExhausted" -> "Exhausted"; "dns" -> "DNS". */
export function wordsOf(name: string): string {
  const known = SERVICES[name]
  if (known !== undefined) return known
  const text = name
    .replace(/^is(?=[A-Z])/, '')
    .replace(/([a-z\d])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
  return text.charAt(0).toUpperCase() + text.slice(1)
}
