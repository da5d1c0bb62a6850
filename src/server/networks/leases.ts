import { VivariumError } from '../../base/index.ts'
import { type LeaseRecord, type NetworkDocument, networkDocumentSchema } from '../../network/index.ts'
import type { Networks } from './networks.ts'
import type { NetworkSummary } from './summaries.ts'

/** Who has which address of a network. */
export async function leasesOf(networks: Networks, key: string): Promise<readonly LeaseRecord[]> {
  networks.list.get(key)
  await networks.switch.open()
  return (await networks.statusOf(key))?.services.dhcp?.leases ?? []
}

/** Takes a lease away; its machine asks anew when it renews. @throws VivariumError kind `not-found`. */
export async function deleteLease(networks: Networks, key: string, address: string): Promise<void> {
  networks.list.get(key)
  const client = await networks.switch.open()
  await client.dropLease(key, address)
}

/** The machine of a lease gets its address for ever. @throws VivariumError kind `not-found`. */
export async function reserveLease(
  networks: Networks,
  key: string,
  address: string,
): Promise<NetworkSummary> {
  const lease = (await leasesOf(networks, key)).find((each) => each.address === address)
  if (lease === undefined) throw noLease(address)
  return networks.change(key, { settings: withReservation(networks.list.get(key).document, lease) })
}

/** In place of one that the machine or the address has already. */
export function withReservation(
  document: NetworkDocument,
  { address, mac, hostName }: LeaseRecord,
): NetworkDocument {
  const others = (document.dhcp?.reservations ?? []).filter(
    (each) => each.address !== address && each.mac !== mac,
  )
  const name = /^[\w-]{1,63}$/.test(hostName ?? '') ? { hostName } : {}
  const reservations = [...others, { address, mac, ...name }]
  return networkDocumentSchema.parse({ ...document, dhcp: { ...document.dhcp, reservations } })
}

function noLease(address: string): VivariumError {
  return new VivariumError('not-found', 'lease-not-found', `Nobody has a lease of ${address}.`, {
    where: { field: 'address' },
    next: 'See the list of leases.',
  })
}
