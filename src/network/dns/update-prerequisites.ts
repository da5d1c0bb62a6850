import { isWithin, nameKey } from './name.ts'
import type { DnsRecord } from './record.ts'
import { isSameData } from './record-store.ts'
import { CLASS, RCODE, TYPE } from './types.ts'
import type { Zones } from './zones.ts'

/** The conditions of an update (RFC 2136, 3.2): undefined when all hold, else the response code of the first that does not. */
export function prerequisitesFail(
  zones: Zones,
  prerequisites: readonly DnsRecord[],
  zone: string,
): number | undefined {
  const wanted: DnsRecord[] = []
  for (const each of prerequisites) {
    if (each.ttlSeconds !== 0) return RCODE.formatError
    if (!isWithin(nameKey(each.name), zone)) return RCODE.notInZone
    if (each.class === CLASS.IN) wanted.push(each)
    else {
      const failure = existenceFails(zones, each)
      if (failure !== undefined) return failure
    }
  }
  return setsDiffer(zones, wanted) ? RCODE.setMissing : undefined
}

function existenceFails(zones: Zones, { name, type, class: class_, data }: DnsRecord): number | undefined {
  if (data.length > 0) return RCODE.formatError
  const records = zones.recordsAt(nameKey(name))
  const exists = type === TYPE.ANY ? records.length > 0 : records.some((each) => each.type === type)
  if (class_ === CLASS.ANY) return exists ? undefined : type === TYPE.ANY ? RCODE.nameError : RCODE.setMissing
  if (class_ !== CLASS.NONE) return RCODE.formatError
  return exists ? (type === TYPE.ANY ? RCODE.nameExists : RCODE.setExists) : undefined
}

/** Value-dependent ones name whole sets (section 2.4.2). */
function setsDiffer(zones: Zones, wanted: readonly DnsRecord[]): boolean {
  const sets = Map.groupBy(wanted, ({ name, type }) => `${type} ${nameKey(name)}`)
  return [...sets.values()].some((set) => {
    const { name, type } = set[0]!
    const there = zones.recordsAt(nameKey(name)).filter((each) => each.type === type)
    const isIn = (record: DnsRecord, list: readonly DnsRecord[]) =>
      list.some((each) => isSameData(each, record))
    return !set.every((each) => isIn(each, there)) || !there.every((each) => isIn(each, set))
  })
}
