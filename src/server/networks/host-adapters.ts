import { accessSync, constants, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { basename, delimiter, join } from 'node:path'

/** The network adapters of this computer, as Linux shows them, and which uplinks can be had here. */
export interface HostAdapter {
  readonly name: string
  readonly mac?: string
  readonly addresses: readonly string[]
  /** The bridge that it is a port of. */
  readonly bridge?: string
  /** Why machines cannot be put on its network, and what to do. */
  readonly unusable?: string
}

export interface Uplinks {
  readonly adapters: readonly HostAdapter[]
  readonly bridges: readonly string[]
  /** Why a kind of uplink cannot be had here. */
  readonly unusable: { readonly [Kind in 'nat' | 'tap' | 'bridge' | 'hostOnly']?: string }
}

const NET = '/sys/class/net'

export function readUplinks(): Uplinks {
  const names = listOf(NET)
  const tap = whyNoTap()
  const nat = findProgram('passt')
    ? undefined
    : 'The program passt is not installed: install the package passt.'
  return {
    adapters: names.filter(isAdapter).map((name) => readAdapter(name, tap)),
    bridges: names.filter((name) => existsSync(join(NET, name, 'bridge'))),
    unusable: { ...(nat && { nat }), ...(tap && { tap, bridge: tap, hostOnly: tap }) },
  }
}

/** Cards, and what a container has in their place; neither loopback, bridges, taps nor the ends of cables to guests. */
function isAdapter(name: string): boolean {
  const folder = join(NET, name)
  if (textOf(join(folder, 'type')) !== '1' || existsSync(join(folder, 'bridge'))) return false
  if (existsSync(join(folder, 'tun_flags'))) return false
  return existsSync(join(folder, 'device')) || /^(eth|en|wl)\w+$/.test(name)
}

function readAdapter(name: string, noTap: string | undefined): HostAdapter {
  const mac = textOf(join(NET, name, 'address'))
  const bridge = bridgeOf(name)
  const unusable = noTap ?? (bridge === undefined ? noBridge(name) : undefined)
  return {
    name,
    ...(mac !== undefined && { mac }),
    addresses: (networkInterfaces()[name] ?? []).map(({ cidr, address }) => cidr ?? address),
    ...(bridge !== undefined && { bridge }),
    ...(unusable !== undefined && { unusable }),
  }
}

/** An adapter of the host, or one of its bridges by its own name. */
export function bridgeOf(adapter: string): string | undefined {
  if (!/^[^/]{1,15}$/.test(adapter)) return undefined
  if (existsSync(join(NET, adapter, 'bridge'))) return adapter
  try {
    const master = basename(readlinkSync(join(NET, adapter, 'master')))
    return existsSync(join(NET, master, 'bridge')) ? master : undefined
  } catch {
    return undefined
  }
}

function noBridge(name: string): string {
  return `${name} is not a port of any bridge. Make one that it is a port of: ip link add br0 type bridge; ip link set ${name} master br0; and move the addresses of ${name} to br0.`
}

/** CAP_NET_ADMIN, capabilities(7); without it no tap device can be made. */
const NET_ADMIN = 12n

function whyNoTap(): string | undefined {
  if (!existsSync('/dev/net/tun'))
    return 'There is no /dev/net/tun here: load the kernel module tun, or give it to the container.'
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(textOf('/proc/self/status') ?? '')?.[1]
  if (effective !== undefined && ((BigInt(`0x${effective}`) >> NET_ADMIN) & 1n) === 1n) return undefined
  return 'Vivarium may not make network devices: give it the capability CAP_NET_ADMIN (setcap cap_net_admin+ep on its node, or AmbientCapabilities in its systemd unit).'
}

function findProgram(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    // Not Linux, or a container without /sys.
    return []
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}
