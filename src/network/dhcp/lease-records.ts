import { z } from 'zod'
import { formatIpv4, formatMac } from '../addresses.ts'
import { type Journal, loadEntries, memoryJournal } from '../journal.ts'

/** Leases as they are stored and shown, and where they outlive the process. */

/**
 * - `offered`: held for its client, which has a minute to ask for it
 * - `bound`: its client may use it until it ends
 * - `expired`, `released`: kept for its client until somebody else needs the address
 * - `declined`: somebody who has no lease was found using it; nobody gets it for a while
 */
export type LeaseState = 'offered' | 'bound' | 'expired' | 'released' | 'declined'

export interface Lease {
  readonly address: number
  /** Hexadecimal: the client identifier (option 61), or hardware type and address (RFC 2131, 4.2). */
  readonly client: string
  readonly mac: number
  readonly hostName: string | undefined
  readonly state: LeaseState
  /** Milliseconds since 1970. */
  readonly endsAt: number
}

export const leaseRecordSchema = z.object({
  address: z.string(),
  client: z.string().regex(/^[0-9a-f]*$/),
  mac: z.string(),
  hostName: z.string().max(255).optional(),
  state: z.enum(['offered', 'bound', 'expired', 'released', 'declined']),
  expiresAt: z.iso.datetime(),
})

export type LeaseRecord = z.infer<typeof leaseRecordSchema>

export function memoryLeases(): Journal<LeaseRecord> {
  return memoryJournal(({ address }) => address)
}

/** A guest that invents clients runs into this, not into the host's memory. */
export const MAXIMUM_LEASES = 16_384

/** @throws VivariumError kind `malformed` when the stored leases are not such. */
export function loadLeases(journal: Journal<LeaseRecord>): readonly LeaseRecord[] {
  return loadEntries(journal, leaseRecordSchema, {
    code: 'leases-malformed',
    message: 'The stored DHCP leases are not a list of leases.',
    next: 'Move the lease file away; the guests then get new leases.',
  })
}

export function leaseRecord({ address, client, mac, hostName, state, endsAt }: Lease): LeaseRecord {
  return {
    address: formatIpv4(address),
    client,
    mac: formatMac(mac),
    ...(hostName !== undefined && { hostName }),
    state,
    expiresAt: new Date(endsAt).toISOString(),
  }
}
