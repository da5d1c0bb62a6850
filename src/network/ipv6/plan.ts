import { writeUint32 } from '../addresses.ts'
import { nameBytes } from '../dns/name.ts'
import { Faults } from '../faults.ts'
import type { NetworkConfig } from '../network-config.ts'
import { isMulticast, isUnspecified, linkLocalAddress, parseIpv6 } from './address.ts'

/** What a network's IPv6 shall do, with the defaults filled in and every rule checked. */
export interface Ipv6Plan {
  /** 64 bits, the rest is zero. */
  readonly prefix: Uint8Array
  readonly isRouter: boolean
  readonly dns: readonly Uint8Array[]
  /** In the form of RFC 1035, 3.1. */
  readonly searchList: readonly Uint8Array[]
  readonly validSeconds: number
  readonly preferredSeconds: number
  readonly intervalSeconds: number
  readonly mtu?: number
}

/** RFC 8200, 5. */
const LEAST_MTU = 1280

/** Undefined when the network is configured without IPv6. @throws VivariumError `invalid` with all that is wrong. */
export function planIpv6(config: NetworkConfig): Ipv6Plan | undefined {
  const settings = config.ipv6
  if (settings === undefined || !settings.enabled) return undefined
  const { validSeconds, preferredSeconds, intervalSeconds } = settings
  const prefix = settings.prefix === undefined ? ownPrefix(config.key) : parsePrefix(settings.prefix)
  const faults = new Faults(
    'ipv6',
    "Change the network's IPv6 settings; a prefix is written as fd12:3456:789a::/64.",
  )
  if (config.address === undefined && !config.dhcp?.enabled)
    faults.add('', 'The network has no address of its own, so nobody is there who could advertise a prefix.')
  if (prefix === undefined)
    faults.add('prefix', `"${settings.prefix}" is no prefix that machines can make addresses of.`)
  if (preferredSeconds > validSeconds)
    faults.add(
      'preferredSeconds',
      `An address cannot be preferred for ${preferredSeconds} s and hold for ${validSeconds} s.`,
    )
  if (preferredSeconds < intervalSeconds)
    faults.add(
      'preferredSeconds',
      `Addresses that are preferred for ${preferredSeconds} s would not last from one advertisement to the next (${intervalSeconds} s).`,
    )
  if (settings.router && leadsOut(config))
    faults.add(
      'router',
      'Nothing routes IPv6, and stations outside of this network would take its host for their router too.',
    )
  if (config.mtu !== undefined && config.mtu < LEAST_MTU)
    faults.add('', `IPv6 needs an MTU of ${LEAST_MTU}, and the network's is ${config.mtu}.`)
  if (prefix === undefined || !faults.isEmpty) throw faults.error()
  return {
    ...{ prefix, validSeconds, preferredSeconds, intervalSeconds, isRouter: settings.router },
    dns: settings.dns.map((text) => parseIpv6(text)!),
    searchList: settings.searchList.map((name) => nameBytes(name)!),
    ...(config.mtu !== undefined && { mtu: config.mtu }),
  }
}

/** Of the network's host: the one that its MAC makes, and the first of the prefix. */
export function hostIpv6({ prefix }: Ipv6Plan, mac: number): { linkLocal: Uint8Array; own: Uint8Array } {
  const own = prefix.slice()
  own[15] = 1
  return { linkLocal: linkLocalAddress(mac), own }
}

/** To stations that are not machines of ours, or to the computer itself. */
function leadsOut({ uplink }: NetworkConfig): boolean {
  return uplink !== undefined && uplink.kind !== 'none' && uplink.kind !== 'nat'
}

/** The first 64 bits of what may be an address of a station: neither a group nor link-local (RFC 4291, 2.4). */
export function parsePrefix(text: string): Uint8Array | undefined {
  const prefix = text.endsWith('/64') ? parseIpv6(text.slice(0, -3)) : undefined
  if (prefix === undefined || prefix.subarray(8).some((byte) => byte !== 0)) return undefined
  const isLinkLocal = prefix[0] === 0xfe && (prefix[1]! & 0xc0) === 0x80
  return isMulticast(prefix) || isUnspecified(prefix) || isLinkLocal ? undefined : prefix
}

/**
 * Unique and local (RFC 4193, 3.1): fd, 40 bits that should be random, and subnet 0. They are the network's key by
 * 64-bit FNV-1a, folded: the same after a restart, and on every host that has the network.
 */
export function ownPrefix(key: string): Uint8Array {
  let hash = 0xcbf29ce484222325n
  for (const character of key)
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.charCodeAt(0))) * 0x100000001b3n)
  const id = Number(BigInt.asUintN(40, hash ^ (hash >> 40n)))
  const prefix = new Uint8Array(16)
  prefix[0] = 0xfd
  prefix[1] = Math.floor(id / 2 ** 32)
  writeUint32(prefix, 2, id % 2 ** 32)
  return prefix
}
