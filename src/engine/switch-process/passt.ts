import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { formatIpv4, formatMac, type NatRouter, type NetworkEvent, PASST_MAC } from '../../network/index.ts'
import { plugSocket } from './port-socket.ts'
import { type Uplink, type UplinkStatus, UplinkSupervisor } from './uplink-supervisor.ts'

/**
 * NAT without rights: passt(1) takes Ethernet frames on one socket and gives them to the kernel as sockets of this
 * user. It serves one machine with one address, so it is given our router (src/network/nat) for one; its own DHCP and
 * router advertisements are off. The socket is inherited, so that no other process can take it, and passt ends with us.
 */

/** The widest that passt takes; our router cuts what is too long for the network. */
const MTU = 65_520

export class PasstUplink implements Uplink {
  readonly #nat: NatRouter
  readonly #supervisor: UplinkSupervisor

  constructor(nat: NatRouter, tell: (event: NetworkEvent) => void) {
    this.#nat = nat
    this.#supervisor = new UplinkSupervisor('passt', () => this.#start(), tell)
  }

  status(): UplinkStatus {
    return { kind: 'nat', ...this.#supervisor.status() }
  }

  close(): void {
    this.#supervisor.close()
  }

  #start(): ChildProcess {
    const child = spawn('passt', passtArguments(this.#nat), { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
    const wire = child.stdio[3] as Duplex | null
    // Without passt there is no wire either.
    if (wire !== null) plugSocket(wire, this.#nat, 'passt', () => undefined)
    return child
  }
}

function passtArguments({ plan }: NatRouter): string[] {
  const ports = (protocol: 'tcp' | 'udp') => {
    const forwards = plan.forwards.filter((forward) => forward.protocol === protocol)
    if (forwards.length === 0) return ['none']
    return forwards.map(({ hostAddress, hostPort }) =>
      hostAddress === undefined ? `${hostPort}` : `${hostAddress}/${hostPort}`,
    )
  }
  return [
    ...['--foreground', '--stderr', '--quiet', '--ipv4-only', '--fd', '3'],
    ...['--address', formatIpv4(plan.outer), '--netmask', formatIpv4(plan.mask)],
    ...['--gateway', formatIpv4(plan.gateway), '--dns-forward', formatIpv4(plan.dns)],
    ...['--mac-addr', formatMac(PASST_MAC), '--mtu', String(MTU)],
    ...['--no-dhcp', '--no-ndp', '--no-dhcpv6', '--no-ra'],
    ...ports('tcp').flatMap((port) => ['--tcp-ports', port]),
    ...ports('udp').flatMap((port) => ['--udp-ports', port]),
  ]
}
