import { z } from 'zod'
import { formatIpv4, formatMac, parseIpv4, parseMac } from '../addresses.ts'
import { type Journal, loadEntries } from '../journal.ts'
import { netbiosKey } from './netbios-name.ts'
import type { Member, Registration } from './table.ts'

/** NetBIOS names that machines registered, as they outlive the process: with the end that each machine was told. */

const ipv4Schema = z.string().refine((text) => parseIpv4(text) !== undefined, 'It is not an IPv4 address')

const memberSchema = z.object({
  address: ipv4Schema,
  nodeType: z.int().min(0).max(3),
  /** Where it registered from. */
  owner: ipv4Schema,
  mac: z.string().refine((text) => parseMac(text) !== undefined, 'It is not a MAC address'),
  expiresAt: z.iso.datetime(),
})

export const winsEntrySchema = z.object({
  /** Name in capitals and suffix, such as `XP1<20>`. */
  key: z.string(),
  name: z.string().max(15),
  suffix: z.int().min(0).max(255),
  kind: z.enum(['unique', 'group', 'internetGroup']),
  members: z.array(memberSchema).min(1).max(25),
})

export type WinsEntry = z.infer<typeof winsEntrySchema>

/** Undefined for what is of the settings alone. */
export function winsEntry({ name, kind, members }: Registration): WinsEntry | undefined {
  const own = members.flatMap(({ address, nodeType, owner, expiresAt }) =>
    owner === undefined
      ? []
      : [
          {
            ...{ address: formatIpv4(address), nodeType },
            ...{ owner: formatIpv4(owner.address), mac: formatMac(owner.mac) },
            expiresAt: new Date(expiresAt).toISOString(),
          },
        ],
  )
  return own.length === 0 ? undefined : { key: netbiosKey(name), ...name, kind, members: own }
}

export function winsRegistration({ name, suffix, kind, members }: WinsEntry): Registration {
  const restored = members.map(
    ({ address, nodeType, owner, mac, expiresAt }): Member => ({
      ...{ address: parseIpv4(address)!, nodeType },
      owner: { address: parseIpv4(owner)!, mac: parseMac(mac)! },
      expiresAt: Date.parse(expiresAt),
    }),
  )
  return { name: { name, suffix }, kind, members: restored }
}

/** @throws VivariumError kind `malformed` when the stored registrations are not such. */
export function loadWinsEntries(journal: Journal<WinsEntry>): readonly WinsEntry[] {
  return loadEntries(journal, winsEntrySchema, {
    code: 'wins-registrations-malformed',
    message: 'The stored WINS registrations are not a list of such.',
    next: 'Move their file away; the machines then register anew.',
  })
}
