import { BROADCAST_ADDRESS, BROADCAST_MAC, formatIpv4, formatMac, writeMac } from '../addresses.ts'
import type { Clock } from '../clock.ts'
import type { NetworkEvent } from '../events.ts'
import type { NetworkHost } from '../host.ts'
import { isHostMac } from '../host-mac.ts'
import { type DhcpMessage, encodeDhcp, MESSAGE_TYPE, messageType } from './message.ts'
import { OPTION, readUint32Option, textOption } from './options.ts'

export const NEXT_STANDING_DOWN =
  'Turn one of the two off; to have both, let the network’s own always answer.'

/**
 * Other DHCP servers on the network. Two servers that do not know of each other give one address to two machines, so
 * ours stands down while there is another: a lab's own Windows server is to be the one.
 *
 * It is noticed by its replies that reach everybody, by requests of clients that chose it, and by its answer to a
 * DISCOVER of our own now and then, which is never followed by a request: the other holds one address for a minute.
 * Who answers without an address (a proxy-DHCP server, PXE 2.1, 2.2.1) gives out none and is no rival.
 */

export interface OtherServer {
  readonly address: string
  readonly mac?: string
  readonly heardAt: string
}

export interface RivalSurroundings {
  readonly mode: 'stand-down' | 'answer' | 'ignore'
  /** Our own server identifier. */
  readonly server: number
  readonly host: NetworkHost
  readonly clock: Clock
  readonly tell: (event: NetworkEvent) => void
}

const SERVER_PORT = 67
const CLIENT_PORT = 68
/** After the start, when stations have been plugged in. */
const FIRST_PROBE_MS = 2000
const PROBE_MS = 120_000
/** While another server is there, so that its going is noticed. */
const WATCHFUL_PROBE_MS = 50_000
/** Three probes without an answer. */
const GONE_MS = 180_000
const MAXIMUM_RIVALS = 16

export class RivalWatch {
  readonly #around: RivalSurroundings
  readonly #rivals = new Map<number, { mac: number | undefined; heardAt: number }>()
  #cancel: () => void = () => undefined

  constructor(around: RivalSurroundings) {
    this.#around = around
    if (around.mode !== 'ignore') this.#probeIn(FIRST_PROBE_MS)
  }

  /** Whether our server is to be silent. */
  get isStandingDown(): boolean {
    return this.#around.mode === 'stand-down' && this.#rivals.size > 0
  }

  others(): OtherServer[] {
    return [...this.#rivals].map(([address, { mac, heardAt }]) => ({
      address: formatIpv4(address),
      ...(mac !== undefined && { mac: formatMac(mac) }),
      heardAt: new Date(heardAt).toISOString(),
    }))
  }

  /** A message to clients that reached us. */
  hearReply(message: DhcpMessage, mac: number): void {
    const type = messageType(message)
    const isGrant = type === MESSAGE_TYPE.offer || type === MESSAGE_TYPE.ack
    const server = readUint32Option(message.options, OPTION.server)
    if (message.op === 'reply' && isGrant && message.yourAddress !== 0) this.#hear(server, mac)
  }

  /** A message to servers: a client that has chosen another names it (RFC 2131, 4.3.2). */
  hearRequest(message: DhcpMessage): void {
    if (messageType(message) !== MESSAGE_TYPE.request || message.relay !== 0) return
    const server = readUint32Option(message.options, OPTION.server)
    if (server !== undefined) this.#hear(server, this.#around.host.neighbour(server))
  }

  close(): void {
    this.#cancel()
  }

  #hear(server: number | undefined, mac: number | undefined): void {
    const { mode, host, clock } = this.#around
    if (mode === 'ignore' || server === undefined || server === 0 || server === this.#around.server) return
    // Of two of ours, joined by a cable between their hosts, one has to stay: that with the lower MAC.
    if (mac !== undefined && isHostMac(mac) && host.where.mac < mac) return
    const known = this.#rivals.get(server)
    if (known === undefined && this.#rivals.size >= MAXIMUM_RIVALS) return
    this.#rivals.set(server, { mac: mac ?? known?.mac, heardAt: clock.now() })
    if (known !== undefined) return
    this.#tellOf(server, mac)
    this.#probeIn(WATCHFUL_PROBE_MS)
  }

  #probeIn(milliseconds: number): void {
    this.#cancel()
    this.#cancel = this.#around.clock.after(milliseconds, () => {
      this.#forgetGone()
      this.#probe()
      this.#probeIn(this.#rivals.size > 0 ? WATCHFUL_PROBE_MS : PROBE_MS)
    })
  }

  #forgetGone(): void {
    const { clock, tell, mode } = this.#around
    for (const [server, { heardAt }] of this.#rivals) {
      if (clock.now() - heardAt < GONE_MS) continue
      this.#rivals.delete(server)
      const isBack = mode === 'stand-down' && this.#rivals.size === 0
      tell({
        severity: 'info',
        code: 'dhcp-other-server-gone',
        message: `The DHCP server ${formatIpv4(server)} has not been heard for three minutes.${
          isBack ? ' The network’s own answers again.' : ''
        }`,
      })
    }
  }

  #tellOf(server: number, mac: number | undefined): void {
    const { tell, mode } = this.#around
    const who = `${formatIpv4(server)}${mac === undefined ? '' : ` (${formatMac(mac)})`}`
    const isSilent = mode === 'stand-down'
    tell({
      severity: 'warning',
      code: 'dhcp-other-server',
      message: `Another DHCP server answers on this network: ${who}. The network’s own ${
        isSilent ? 'is silent while it is there.' : 'goes on answering, as its settings say.'
      }`,
      next: isSilent ? NEXT_STANDING_DOWN : 'See to it that the two give out different addresses.',
    })
  }

  /** The same client and broadcast every time, so that the other server holds one address for it, if any. */
  #probe(): void {
    const { host, clock } = this.#around
    const clientHardware = new Uint8Array(6)
    writeMac(clientHardware, 0, host.where.mac)
    const discover: DhcpMessage = {
      ...{ op: 'request', hardwareType: 1, hops: 0, transactionId: clock.now() % 2 ** 32, seconds: 0 },
      ...{ broadcast: true, clientAddress: 0, yourAddress: 0, nextServer: 0, relay: 0 },
      ...{ clientHardware, serverName: '', bootFile: '' },
      options: new Map([
        [OPTION.messageType as number, Uint8Array.of(MESSAGE_TYPE.discover)],
        [OPTION.vendorClass, textOption('Vivarium')],
        [OPTION.parameterRequest, Uint8Array.of(OPTION.subnetMask)],
      ]),
    }
    host.sendDatagram({
      ...{ mac: BROADCAST_MAC, source: 0, destination: BROADCAST_ADDRESS },
      ...{ sourcePort: CLIENT_PORT, destinationPort: SERVER_PORT },
      payload: encodeDhcp(discover),
    })
  }
}
