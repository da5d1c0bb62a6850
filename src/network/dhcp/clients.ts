import { asciiOf, toHex } from '../../base/index.ts'
import type { DhcpClass } from './classes.ts'
import type { LeaseSurroundings } from './leases.ts'
import { type LeaseRange, LeaseTable } from './leases.ts'
import { clientMac, type DhcpMessage } from './message.ts'
import { type DhcpOptions, OPTION, readTextOption } from './options.ts'
import { type DhcpPool, type DhcpReservation, takenAddresses } from './pool.ts'
import { relayedSubnet } from './relay.ts'
import { type DhcpSubnet, isIn } from './subnet.ts'

/** Who asks, from where, and what the settings say of it. */
export interface DhcpClient {
  readonly key: string
  readonly mac: number
  readonly hostName: string | undefined
  readonly subnet: DhcpSubnet
  /** Of its subnet. */
  readonly leases: LeaseTable
  readonly classes: readonly DhcpClass[]
  readonly reservation: DhcpReservation | undefined
}

/** One subnet with its leases and the machines that have addresses of their own in it. */
interface Place {
  readonly subnet: DhcpSubnet
  readonly leases: LeaseTable
  readonly byMac: ReadonlyMap<number, DhcpReservation>
  readonly byClient: ReadonlyMap<string, DhcpReservation>
}

export class ClientBook {
  readonly #classes: readonly DhcpClass[]
  readonly #places: readonly Place[]

  constructor(pool: DhcpPool, around: LeaseSurroundings) {
    this.#classes = pool.classes
    this.#places = [pool, ...pool.relayed].map((subnet) => {
      const own = pool.reservations.filter(({ address }) => isIn(subnet, address))
      return {
        subnet,
        leases: new LeaseTable(leaseRange(pool, subnet), around),
        byMac: new Map(own.flatMap((one) => (one.mac === undefined ? [] : [[one.mac, one]]))),
        byClient: new Map(own.flatMap((one) => (one.client === undefined ? [] : [[one.client, one]]))),
      }
    })
  }

  get tables(): readonly LeaseTable[] {
    return this.#places.map(({ leases }) => leases)
  }

  /**
   * Undefined when the message is not for this server: not Ethernet, or from a relay of a subnet that is not ours.
   * @param toAll whether the message was broadcast; a client behind a router sends its renewals to us alone
   */
  clientOf(message: DhcpMessage, toAll: boolean): DhcpClient | undefined {
    const mac = clientMac(message)
    const place = this.#placeOf(message, toAll)
    if (mac === undefined || place === undefined) return undefined
    const key = clientKey(message)
    const reservation = place.byClient.get(key) ?? place.byMac.get(mac)
    const hostName = reservation?.hostName ?? saidName(message.options)
    const classes = this.#classes.filter(({ matches }) => matches(message.options))
    const { subnet, leases } = place
    return { key, mac, hostName, subnet, leases, classes, reservation }
  }

  #placeOf(message: DhcpMessage, toAll: boolean): Place | undefined {
    const relayed = relayedSubnet(message)
    const holding = (address: number) => this.#places.find(({ subnet }) => isIn(subnet, address))
    if (relayed !== undefined) return holding(relayed)
    return (toAll ? undefined : holding(message.clientAddress)) ?? this.#places[0]
  }
}

export function leaseRange(pool: DhcpPool, { start, end }: DhcpSubnet = pool): LeaseRange {
  const reserved = new Set(pool.reservations.map(({ address }) => address))
  return { start, end, leaseSeconds: pool.leaseSeconds, taken: takenAddresses(pool), reserved }
}

/** RFC 2131, 4.2: the client identifier, or else hardware type and address; the first byte keeps them apart. */
function clientKey(message: DhcpMessage): string {
  const id = message.options.get(OPTION.clientId)
  if (id !== undefined && id.length > 0) return toHex(id)
  return toHex(Uint8Array.of(message.hardwareType, ...message.clientHardware))
}

function saidName(options: DhcpOptions): string | undefined {
  return readTextOption(options, OPTION.hostName) ?? fullName(options.get(OPTION.fullName))
}

/** RFC 4702, 2.1 to 2.3: flags, two bytes of no use, then the name, as DNS has it or (older) as text. */
function fullName(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || bytes.length < 4) return undefined
  const isDns = (bytes[0]! & 4) !== 0
  const label = isDns ? bytes.subarray(4, 4 + bytes[3]!) : bytes.subarray(3)
  const text = asciiOf(label).split(/[.\0]/, 1)[0]!
  return text === '' ? undefined : text.replace(/[^\x20-\x7e]/g, '?')
}
