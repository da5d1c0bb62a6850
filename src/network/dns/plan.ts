import { parseIpv4 } from '../addresses.ts'
import { Faults } from '../faults.ts'
import { parseIpv6 } from '../ipv6/address.ts'
import type { NetworkConfig } from '../network-config.ts'
import type { ResolverAddress } from '../world.ts'
import { nameKey } from './name.ts'
import type { DnsRecord } from './record.ts'
import type { DnsSettings } from './settings.ts'
import { staticRecord } from './static-record.ts'
import { TYPE } from './types.ts'

/** What a network's DNS server shall do, with the defaults filled in and every rule checked. */
export interface DnsPlan {
  readonly domain: string
  readonly records: readonly DnsRecord[]
  /** `host` stands for the servers that the host itself asks. */
  readonly forwarders: readonly (ResolverAddress | 'host')[]
  readonly updates: NonNullable<DnsSettings['updates']>
  /** Nothing leads out of the network: what it does not know does not exist. */
  readonly isWholeWorld: boolean
}

export function dnsDomain(config: Pick<NetworkConfig, 'key' | 'dns' | 'dhcp'>): string {
  // ICANN keeps .internal for private use (resolution 2024.07.29.06).
  return nameKey(config.dns?.domain ?? config.dhcp?.domain ?? `${config.key}.internal`)
}

/** Undefined when the network is configured without DNS. @throws VivariumError `invalid` with all that is wrong. */
export function planDns(config: NetworkConfig): DnsPlan | undefined {
  const settings = config.dns
  if (settings === undefined || !settings.enabled) return undefined
  const faults = new Faults('dns', "Change the network's DNS settings.")
  if (config.address === undefined && !config.dhcp?.enabled)
    faults.add('', 'The network has no address of its own, so its DNS server cannot be reached.')
  const domain = dnsDomain(config)
  const records = new Map<number, DnsRecord>()
  for (const [index, each] of settings.records.entries()) {
    const record = staticRecord(each, domain)
    if (typeof record === 'string')
      faults.add(`records.${index}`, `Record "${each.name} ${each.type}": ${record}`)
    else records.set(index, record)
  }
  checkAliases(records, domain, faults)
  const forwarders = (settings.forwarders ?? defaultForwarders(config)).map((text, index) => {
    const found = text === 'host' ? text : parseResolver(text)
    if (found === undefined)
      faults.add(`forwarders.${index}`, `"${text}" is not the address of a DNS server.`)
    return found
  })
  faults.throwIfAny()
  return {
    domain,
    records: [...records.values()],
    forwarders: forwarders.filter((each) => each !== undefined),
    updates: settings.updates,
    isWholeWorld: forwarders.length === 0 && !leadsOut(config),
  }
}

function defaultForwarders({ uplink }: NetworkConfig): string[] {
  return uplink?.kind === 'nat' ? ['host'] : []
}

function leadsOut({ uplink }: NetworkConfig): boolean {
  return uplink !== undefined && uplink.kind !== 'none' && uplink.kind !== 'hostOnly'
}

/** RFC 1034, 3.6.2: a name with a CNAME has nothing else. The domain itself has its SOA and NS. */
function checkAliases(records: ReadonlyMap<number, DnsRecord>, domain: string, faults: Faults): void {
  const counts = new Map<string, number>()
  for (const { name } of records.values()) counts.set(nameKey(name), (counts.get(nameKey(name)) ?? 0) + 1)
  for (const [index, { name, type }] of records)
    if (type === TYPE.CNAME && (counts.get(nameKey(name))! > 1 || nameKey(name) === domain))
      faults.add(`records.${index}`, `"${name}" is an alias (CNAME), and has other records too.`)
}

/** An address with or without a port: `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1`, `[2001:db8::1]:53`. */
export function parseResolver(text: string): ResolverAddress | undefined {
  if (parseIpv6(text) !== undefined) return { address: text, port: 53 }
  const [, ipv6, ipv4 = '', digits = '53'] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const port = Number(digits)
  const isAddress = ipv6 === undefined ? parseIpv4(ipv4) !== undefined : parseIpv6(ipv6) !== undefined
  return isAddress && port >= 1 && port <= 0xffff ? { address: ipv6 ?? ipv4, port } : undefined
}
