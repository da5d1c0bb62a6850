import { isWithin, labelsOf, nameKey, parentOf, ROOT } from './name.ts'
import { type DnsRecord, targetOf } from './record.ts'
import { RCODE, TYPE } from './types.ts'
import type { Zones } from './zones.ts'

/** What the network's own zones say to a question (RFC 1034, 4.3.2). */
export interface LocalAnswer {
  readonly rcode: number
  readonly authoritative: boolean
  readonly answers: readonly DnsRecord[]
  readonly authorities: readonly DnsRecord[]
  readonly additionals: readonly DnsRecord[]
  /** An alias leads to this name, which is not of this network. */
  readonly outside?: string
}

/** Aliases of aliases, and then no more. */
const MAXIMUM_ALIASES = 8

/** Undefined: the name is not of this network. */
export function lookUp(zones: Zones, name: string, type: number): LocalAnswer | undefined {
  const aliases: DnsRecord[] = []
  let current = name
  for (;;) {
    const step = lookUpOne(zones, current, type)
    if (step === undefined && aliases.length === 0) return undefined
    if (step === undefined) return { ...found(aliases), outside: current }
    const [alias] = step.answers
    const goesOn = alias?.type === TYPE.CNAME && type !== TYPE.CNAME && type !== TYPE.ANY
    if (!goesOn) return { ...step, answers: [...aliases, ...step.answers] }
    if (aliases.some((earlier) => nameKey(earlier.name) === nameKey(alias.name))) return found(aliases)
    if (aliases.length === MAXIMUM_ALIASES) return found(aliases)
    aliases.push(alias)
    current = targetOf(alias)!
  }
}

function lookUpOne(zones: Zones, name: string, type: number): LocalAnswer | undefined {
  const key = nameKey(name)
  const zone = zones.zoneOf(key)
  const referral = zone === zones.domain ? referralAt(zones, key, type) : undefined
  if (referral !== undefined) return referral
  const records = zones.recordsAt(key)
  if (records.length > 0) return choose(zones, records, name, type, zone)
  const bare = bareRecords(zones, key)
  if (bare.length > 0) return choose(zones, bare, name, type, ROOT)
  if (zone !== undefined && zones.exists(key)) return negative(zones, RCODE.noError, zone)
  const wild = wildcardRecords(zones, key)
  if (wild.length > 0) return choose(zones, wild, name, type, zone)
  if (zone !== undefined) return negative(zones, RCODE.nameError, zone)
  // Nobody outside knows a machine by its bare name, and its name is nobody's business there.
  const isBareHost = labelsOf(name).length === 1 && (type === TYPE.A || type === TYPE.AAAA)
  return isBareHost ? negative(zones, RCODE.nameError, ROOT) : undefined
}

function choose(
  zones: Zones,
  records: readonly DnsRecord[],
  name: string,
  type: number,
  zone: string | undefined,
): LocalAnswer {
  // RFC 8482, 4.1: to "any" one set of records is answer enough, and nothing to flood a victim with.
  const wanted = type === TYPE.ANY ? records[0]!.type : type
  const own = records.filter((each) => each.type === wanted)
  const chosen = own.length > 0 ? own : records.filter((each) => each.type === TYPE.CNAME)
  if (chosen.length === 0) return negative(zones, RCODE.noError, zone ?? ROOT)
  return {
    ...found(chosen.map((each) => ({ ...each, name }))),
    additionals: chosen.flatMap((each) => addressesOfTarget(zones, each)),
  }
}

function found(answers: readonly DnsRecord[]): LocalAnswer {
  return { rcode: RCODE.noError, authoritative: true, answers, authorities: [], additionals: [] }
}

/** With the SOA that says how long "no" holds (RFC 2308, 3). */
function negative(zones: Zones, rcode: number, zone: string): LocalAnswer {
  return { ...found([]), rcode, authorities: [zones.authority(zone)] }
}

/** `pc1` for `pc1.lab.example`, to stations that know no suffix. */
function bareRecords(zones: Zones, key: string): readonly DnsRecord[] {
  return key !== ROOT && labelsOf(key).length === 1 ? zones.recordsAt(`${key}.${zones.domain}`) : []
}

/** RFC 4592, 3.3.1: the asterisk below the closest name that exists, and no other. */
function wildcardRecords(zones: Zones, key: string): readonly DnsRecord[] {
  if (key === ROOT) return []
  let encloser = parentOf(key)
  while (encloser !== ROOT && !zones.exists(encloser)) encloser = parentOf(encloser)
  return encloser === ROOT ? [] : zones.static.at(`*.${encloser}`)
}

/** Below a name with NS records the zone is another server's (RFC 1034, 4.3.2, 3b); a DS would be at its parent. */
function referralAt(zones: Zones, key: string, type: number): LocalAnswer | undefined {
  for (let name = key; name !== zones.domain && isWithin(name, zones.domain); name = parentOf(name)) {
    if (name === key && type === TYPE.DS) continue
    const servers = zones.static.at(name).filter((each) => each.type === TYPE.NS)
    if (servers.length === 0) continue
    return {
      ...found([]),
      authoritative: false,
      authorities: servers,
      additionals: servers.flatMap((each) => addressesOfTarget(zones, each)),
    }
  }
  return undefined
}

function addressesOfTarget(zones: Zones, each: DnsRecord): DnsRecord[] {
  const target = each.type === TYPE.PTR || each.type === TYPE.CNAME ? undefined : targetOf(each)
  if (target === undefined) return []
  return zones
    .recordsAt(nameKey(target))
    .filter(({ type }) => type === TYPE.A || type === TYPE.AAAA)
    .map((address) => ({ ...address, name: target }))
}
