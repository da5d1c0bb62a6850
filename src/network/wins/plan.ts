import { parseIpv4 } from '../addresses.ts'
import { Faults } from '../faults.ts'
import type { NetworkConfig } from '../network-config.ts'
import { type NetbiosName, netbiosKey } from './netbios-name.ts'
import { OWN_NAME } from './server.ts'

/** What a network's WINS server shall do. */
export interface WinsPlan {
  readonly ttlSeconds: number
  readonly names: readonly { readonly name: NetbiosName; readonly address: number }[]
}

/** Half of what the server keeps: the rest is for machines. */
const MAXIMUM_NAMES = 2048

/** Undefined when the network is configured without WINS. @throws VivariumError `invalid` with all that is wrong. */
export function planWins(config: NetworkConfig): WinsPlan | undefined {
  const settings = config.wins
  if (settings === undefined || !settings.enabled) return undefined
  const faults = new Faults('wins', "Change the network's WINS settings.")
  if (config.address === undefined && !config.dhcp?.enabled)
    faults.add('', 'The network has no address of its own, so its WINS server cannot be reached.')
  const names = settings.names.flatMap(({ name, address, suffixes }, index) =>
    suffixes.map((suffix) => ({ name: { name, suffix }, address: parseIpv4(address)!, index })),
  )
  if (names.length > MAXIMUM_NAMES)
    faults.add('names', `There are ${names.length} names with suffixes; the most are ${MAXIMUM_NAMES}.`)
  const seen = new Set<string>()
  for (const { name, index } of names) {
    const field = `names.${index}.name`
    if (name.name.toUpperCase() === OWN_NAME) faults.add(field, `${OWN_NAME} is the server's own name.`)
    if (seen.has(netbiosKey(name))) faults.add(field, `The name ${netbiosKey(name)} is there twice.`)
    seen.add(netbiosKey(name))
  }
  faults.throwIfAny()
  return { ttlSeconds: settings.ttlSeconds, names: names.map(({ name, address }) => ({ name, address })) }
}
