import { VivariumError } from '../../base/index.ts'
import { formatIpv4, parseIpv4 } from '../addresses.ts'
import { Faults } from '../faults.ts'
import type { HostAddress } from '../host-address.ts'
import type { NetworkConfig } from '../network-config.ts'
import type { PortForward, UplinkSettings } from '../uplink/settings.ts'

/**
 * The wire between our router and passt, which takes it for the one machine that it serves:
 *
 *     machines --- router (the network's own host) --- 198.18.0.2 | 198.18.0.1 passt --- whatever the host reaches
 *
 * RFC 2544 sets these addresses apart for tests between devices, so no real network has them.
 */
export interface NatPlan {
  readonly inner: HostAddress
  /** Ours on the wire, passt's, and the one where passt passes DNS on to the host's resolver. */
  readonly outer: number
  readonly gateway: number
  readonly dns: number
  readonly mask: number
  readonly forwards: readonly PortForward[]
  readonly hostLoopback: boolean
}

const CODE = 'nat-settings'
const WIRES = ['198.18.0', '198.19.255'] as const
const WIRE_MASK = 0xffff_ff00

/** Undefined when the network has no NAT. @throws VivariumError kind `invalid` when it cannot have it. */
export function planNat(
  uplink: UplinkSettings | undefined,
  inner: HostAddress | undefined,
): NatPlan | undefined {
  if (uplink?.kind !== 'nat') return undefined
  if (inner === undefined)
    throw new VivariumError(
      'invalid',
      CODE,
      'NAT needs an address of its own on the network, to be its gateway.',
      {
        where: { field: 'uplink' },
        next: 'Give the network an address, or turn its DHCP server on.',
      },
    )
  const prefix = WIRES.find((wire) => !overlaps(parseIpv4(`${wire}.0`)!, inner)) ?? WIRES[0]
  const at = (host: number) => parseIpv4(`${prefix}.${host}`)!
  checkForwards(uplink.forwards, inner)
  return {
    inner,
    outer: at(2),
    gateway: at(1),
    dns: at(3),
    mask: WIRE_MASK,
    forwards: uplink.forwards,
    hostLoopback: uplink.hostLoopback,
  }
}

/**
 * What DHCP tells machines where its settings leave it open: our router as gateway, and the host's resolver for DNS
 * unless the network has a DNS server of its own.
 */
export function withNatDefaults(config: NetworkConfig, plan: NatPlan | undefined): NetworkConfig {
  if (plan === undefined || config.dhcp === undefined) return config
  const { gateway = formatIpv4(plan.inner.address), dns } = config.dhcp
  const isSettled = dns.length > 0 || config.dns?.enabled === true
  return { ...config, dhcp: { ...config.dhcp, gateway, dns: isSettled ? dns : [formatIpv4(plan.dns)] } }
}

function overlaps(wire: number, { address, mask }: HostAddress): boolean {
  const common = (mask & WIRE_MASK) >>> 0
  return (wire & common) >>> 0 === (address & common) >>> 0
}

function checkForwards(forwards: readonly PortForward[], inner: HostAddress): void {
  const taken = new Set<string>()
  const next = `Choose addresses of the network of ${formatIpv4(inner.address)}, and each port once.`
  const faults = new Faults('uplink', next, CODE)
  for (const [index, { protocol, hostAddress = '0.0.0.0', hostPort, guestAddress }] of forwards.entries()) {
    const field = `forwards.${index}`
    // Behind one outer address there is one port of each number.
    const place = `${protocol} ${hostPort}`
    if (taken.has(place))
      faults.add(`${field}.hostPort`, `Two forwards take ${protocol} port ${hostPort} of the host.`)
    taken.add(place)
    const address = parseIpv4(guestAddress)!
    if ((address & inner.mask) >>> 0 !== (inner.address & inner.mask) >>> 0)
      faults.add(
        `${field}.guestAddress`,
        `The forward from ${hostAddress}:${hostPort} leads to ${guestAddress}, which is not on this network.`,
      )
  }
  faults.throwIfAny()
}
