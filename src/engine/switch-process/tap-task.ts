import { userInfo } from 'node:os'
import { z } from 'zod'
import type { UplinkSettings } from '../../network/index.ts'

/** What the process of a tap uplink is to do. */
export const tapTaskSchema = z.object({
  interface: z.string(),
  /** Put into this bridge of the host. */
  bridge: z.string().optional(),
  /** The host's address on it. */
  address: z.string().optional(),
  mtu: z.int().optional(),
  /** What somebody with the rights runs once, so that this user needs none. */
  preparation: z.string(),
})

export type TapTask = z.infer<typeof tapTaskSchema>
export type TapSettings = Extract<UplinkSettings, { kind: 'tap' | 'bridge' | 'hostOnly' }>

/** @param key of the network, which names the device where its settings do not */
export function planTap(settings: TapSettings, key: string, mtu: number | undefined): TapTask {
  const name = settings.interface ?? interfaceName(key)
  const steps = [`sudo ip tuntap add dev ${name} mode tap user ${userInfo().username}`]
  if (settings.kind === 'bridge') steps.push(`sudo ip link set dev ${name} master ${settings.bridge}`)
  if (settings.kind === 'hostOnly') steps.push(`sudo ip addr replace ${settings.address} dev ${name}`)
  steps.push(`sudo ip link set dev ${name} up`)
  return {
    interface: name,
    ...(settings.kind === 'bridge' && { bridge: settings.bridge }),
    ...(settings.kind === 'hostOnly' && { address: settings.address }),
    ...(mtu !== undefined && { mtu }),
    preparation: steps.join(' && '),
  }
}

/** At most 15 characters (IFNAMSIZ), and different for different keys. */
function interfaceName(key: string): string {
  if (key.length <= 11) return `viv-${key}`
  let hash = 0x811c9dc5
  for (const character of key) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0
  return `viv-${key.slice(0, 5)}-${(hash & 0xffff).toString(16).padStart(4, '0')}`
}
