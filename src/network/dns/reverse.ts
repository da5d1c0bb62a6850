import { isWithin } from './name.ts'

/** Names of addresses: in-addr.arpa (RFC 1035, 3.5) and ip6.arpa (RFC 3596, 2.5). */

/** Of a key such as `9.0.244.10.in-addr.arpa`; undefined when it is not that of one address. */
export function ipv4OfReverse(key: string): number | undefined {
  const octets = ipv4Octets(key)
  return octets?.length === 4 ? numberOf(octets) : undefined
}

export function ipv6OfReverse(key: string): Uint8Array | undefined {
  const [, nibbles] = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(key) ?? []
  const digits = nibbles?.split('.').slice(0, 32).reverse()
  return (
    digits &&
    Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(digits[2 * i]! + digits[2 * i + 1]!, 16))
  )
}

export function reverseOfIpv4(address: number): string {
  return `${[0, 8, 16, 24].map((shift) => (address >>> shift) & 0xff).join('.')}.in-addr.arpa`
}

/** The octets in the order of an address; fewer than four for the name of a network. */
function ipv4Octets(key: string): number[] | undefined {
  const [, dotted] = /^((?:(?:0|[1-9]\d{0,2})\.){1,4})in-addr\.arpa$/.exec(key) ?? []
  const octets = dotted?.split('.').slice(0, -1).map(Number).reverse()
  return octets?.every((octet) => octet <= 255) ? octets : undefined
}

function numberOf(octets: readonly number[]): number {
  return [0, 1, 2, 3].reduce((sum, index) => sum * 256 + (octets[index] ?? 0), 0)
}

export interface Subnet {
  readonly address: number
  readonly mask: number
}

/**
 * The zones of a network's addresses end at whole octets: of 10.0.0.0/8 it is `10.in-addr.arpa`, a /20 has sixteen
 * of three octets, and networks smaller than a /24 take the zone of their /24.
 */
export function reverseZoneOf(key: string, { address, mask }: Subnet): string | undefined {
  if (!isWithin(key, 'in-addr.arpa')) return undefined
  const labels = key.split('.')
  const count = zoneOctets(mask)
  const zone = labels.slice(-2 - count).join('.')
  const octets = ipv4Octets(zone)
  if (octets?.length !== count) return undefined
  const wide = (mask & (-1 << (32 - 8 * count))) >>> 0
  return ((numberOf(octets) ^ address) & wide) === 0 ? zone : undefined
}

/** True for the names of networks that a reverse zone of ours lies below of: they exist. */
export function isAboveReverseZone(key: string, { address, mask }: Subnet): boolean {
  const octets = ipv4Octets(key)
  if (octets === undefined || octets.length >= zoneOctets(mask))
    return key === 'in-addr.arpa' || key === 'arpa'
  const wide = (mask & (-1 << (32 - 8 * octets.length))) >>> 0
  return ((numberOf(octets) ^ address) & wide) === 0
}

/** True for names inside of a reverse zone that have addresses below them. */
export function isPartOfAddress(key: string): boolean {
  return ipv4Octets(key) !== undefined
}

function zoneOctets(mask: number): number {
  return Math.min(3, Math.ceil((32 - Math.log2((~mask >>> 0) + 1)) / 8))
}

/**
 * Zones that everybody serves by himself, because nobody outside could know: RFC 6303, 4 (private and special
 * addresses), RFC 6761, 6 (localhost, invalid), RFC 6762, 3 (local), RFC 7686, 2 (onion).
 */
const LOCAL_ZONES: readonly string[] = [
  'localhost',
  'invalid',
  'local',
  'onion',
  '0.in-addr.arpa',
  '10.in-addr.arpa',
  '127.in-addr.arpa',
  '254.169.in-addr.arpa',
  ...Array.from({ length: 16 }, (_, index) => `${16 + index}.172.in-addr.arpa`),
  '168.192.in-addr.arpa',
  '2.0.192.in-addr.arpa',
  '100.51.198.in-addr.arpa',
  '113.0.203.in-addr.arpa',
  '255.255.255.255.in-addr.arpa',
  ...['0', '1'].map((last) => `${last}.${'0.'.repeat(31)}ip6.arpa`),
  'd.f.ip6.arpa',
  ...['8', '9', 'a', 'b'].map((nibble) => `${nibble}.e.f.ip6.arpa`),
]

export function localZoneOf(key: string): string | undefined {
  return LOCAL_ZONES.find((zone) => isWithin(key, zone))
}
