import { execFileSync } from 'node:child_process'
import { z } from 'zod'
import { VivariumError } from '../../base/index.ts'
import type { TapTask } from './tap-task.ts'

/** What `ip -json` tells of an interface; /sys would tell of another network namespace. */
const interfacesSchema = z
  .array(
    z.object({
      flags: z.array(z.string()).default([]),
      mtu: z.number().optional(),
      master: z.string().optional(),
      linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
      addr_info: z
        .array(z.object({ local: z.string().optional(), prefixlen: z.number().optional() }))
        .default([]),
    }),
  )
  .length(1)

/**
 * Brings a tap device into the state that its uplink wants: up, with its address or in its bridge. What is so already,
 * because somebody with the rights prepared it, is left alone: then no rights are needed.
 */
export function settleInterface({ interface: name, bridge, address, mtu }: TapTask): void {
  const now = look(name)
  if (mtu !== undefined && now.mtu !== mtu) ip('link', 'set', 'dev', name, 'mtu', String(mtu))
  if (bridge !== undefined && now.master !== bridge) {
    demandBridge(bridge)
    ip('link', 'set', 'dev', name, 'master', bridge)
  }
  if (address !== undefined && !now.addr_info.some((has) => `${has.local}/${has.prefixlen}` === address))
    ip('addr', 'replace', address, 'dev', name)
  if (!now.flags.includes('UP')) ip('link', 'set', 'dev', name, 'up')
}

function look(name: string) {
  return interfacesSchema.parse(JSON.parse(ip('-json', '-details', 'addr', 'show', 'dev', name)))[0]!
}

function demandBridge(bridge: string): void {
  try {
    if (look(bridge).linkinfo?.info_kind === 'bridge') return
  } catch {
    // There is nothing of that name.
  }
  throw new VivariumError('not-found', 'no-such-bridge', `The host has no bridge "${bridge}".`, {
    next: `Make it (sudo ip link add ${bridge} type bridge), or name another.`,
  })
}

function ip(...args: readonly string[]): string {
  try {
    return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    const { stderr, message } = error as Error & { readonly stderr?: string }
    const reason = stderr?.trim() || message
    if (/not permitted|denied/i.test(reason))
      throw new VivariumError('denied', 'tap-denied', `This user may not run: ip ${args.join(' ')}.`)
    throw new VivariumError('io', 'tap-not-settled', `ip ${args.join(' ')}: ${reason}.`, {
      next: 'Change the uplink of the network.',
    })
  }
}
