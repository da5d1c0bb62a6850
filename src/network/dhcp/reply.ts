import { formatIpv4 } from '../addresses.ts'
import { type BootAnswer, type BootDesk, bootRequest } from './boot.ts'
import type { DhcpClient } from './clients.ts'
import { type DhcpMessage, MESSAGE_TYPE } from './message.ts'
import { NO_OPTIONS, type OptionSet } from './option-settings.ts'
import { type DhcpOptions, OPTION, textOption, uint32Option } from './options.ts'
import type { DhcpPool } from './pool.ts'
import { relayInformation } from './relay.ts'

/** How replies are made (RFC 2131, 4.3.1, table 3). */

export interface DhcpReply {
  readonly message: DhcpMessage
  /** Largest message that the client takes, UDP payload bytes. */
  readonly maximumBytes: number
}

export class ReplyWriter {
  readonly #pool: DhcpPool
  readonly #boot: BootDesk
  readonly #server: Uint8Array
  readonly #times: readonly (readonly [number, Uint8Array])[]

  constructor(pool: DhcpPool, boot: BootDesk) {
    this.#pool = pool
    this.#boot = boot
    this.#server = uint32Option(pool.server)
    this.#times = [
      [OPTION.leaseTime, uint32Option(pool.leaseSeconds)],
      [OPTION.renewalTime, uint32Option(pool.renewalSeconds)],
      [OPTION.rebindingTime, uint32Option(pool.rebindingSeconds)],
    ]
  }

  /**
   * @param address undefined where the client has one already (4.3.5): then there are no lease times either
   * @param flags options without a value
   */
  grant(
    message: DhcpMessage,
    client: DhcpClient,
    type: number,
    address: number | undefined,
    flags: readonly number[] = [],
  ): DhcpReply {
    const options = this.#begin(message, type)
    for (const flag of flags) options.set(flag, new Uint8Array())
    if (address !== undefined) for (const [code, value] of this.#times) options.set(code, value)
    // The mask comes before the router (RFC 2132, 3.3).
    options.set(OPTION.subnetMask, uint32Option(client.subnet.mask))
    const boot = this.#bootFor(message, client)
    addWanted(options, message, this.#offered(client, boot))
    return this.#envelope(message, options, address ?? 0, boot)
  }

  refuse(message: DhcpMessage, reason: string): DhcpReply {
    const options = this.#begin(message, MESSAGE_TYPE.nak)
    options.set(OPTION.message, textOption(reason))
    return this.#envelope(message, options, 0, {})
  }

  #begin(message: DhcpMessage, type: number): Map<number, Uint8Array> {
    const options = new Map([
      [OPTION.messageType as number, Uint8Array.of(type)],
      [OPTION.server, this.#server],
    ])
    // RFC 6842, section 3: a client that shares a MAC knows its replies by it.
    const id = message.options.get(OPTION.clientId)
    if (id !== undefined) options.set(OPTION.clientId, id)
    const relayed = relayInformation(message)
    if (relayed !== undefined) options.set(OPTION.relayInformation, relayed)
    return options
  }

  /** The subnet's, over them those of the client's classes, over them its own. */
  #offered({ subnet, classes, reservation }: DhcpClient, boot: BootAnswer): OptionSet {
    const sets = [subnet.options, bootOptions(boot), ...classes.map(({ options }) => options)]
    if (reservation !== undefined) sets.push(reservation.options)
    if (reservation?.hostName !== undefined) sets.push(hostNameOption(reservation.hostName))
    const some = sets.filter(({ values }) => values.size > 0)
    if (some.length < 2) return some[0] ?? NO_OPTIONS
    return {
      values: new Map(some.flatMap(({ values }) => [...values])),
      always: new Set(some.flatMap(({ always }) => [...always])),
    }
  }

  #bootFor(message: DhcpMessage, { mac, classes, reservation }: DhcpClient): BootAnswer {
    const chosen = this.#boot.chooser?.(bootRequest(mac, message.options))
    const own = [this.#pool.boot, ...classes.map(({ boot }) => boot), reservation?.boot]
    if (chosen === undefined && own.every((boot) => boot === undefined)) return {}
    const boot: BootAnswer = Object.assign({}, chosen, ...own)
    const isHere = boot.file !== undefined && boot.nextServer === undefined
    return isHere ? { ...boot, nextServer: this.#pool.server } : boot
  }

  #envelope(
    message: DhcpMessage,
    options: DhcpOptions,
    yourAddress: number,
    { nextServer = 0, serverName = '', file = '' }: BootAnswer,
  ): DhcpReply {
    const isRefusal = options.get(OPTION.messageType)?.[0] === MESSAGE_TYPE.nak
    const wanted = message.options.get(OPTION.maximumSize)
    const datagramBytes = wanted?.length === 2 ? (wanted[0]! << 8) | wanted[1]! : 576
    return {
      // 28 bytes are IP and UDP; less than the protocol's own minimum is not believed.
      maximumBytes: Math.min(Math.max(datagramBytes, 576), 1500) - 28,
      message: {
        op: 'reply',
        hardwareType: message.hardwareType,
        hops: 0,
        transactionId: message.transactionId,
        seconds: 0,
        // 4.3.2: a relay is to broadcast a refusal.
        broadcast: message.broadcast || (isRefusal && message.relay !== 0),
        clientAddress: isRefusal ? 0 : message.clientAddress,
        yourAddress,
        nextServer,
        relay: message.relay,
        clientHardware: message.clientHardware,
        serverName,
        bootFile: file,
        options,
      },
    }
  }
}

/**
 * In the order of the client's list (option 55), which is by importance; all of them when it has no list. What is
 * sent in any case comes first, since the last is what is left out when the room ends.
 */
function addWanted(options: Map<number, Uint8Array>, message: DhcpMessage, offered: OptionSet): void {
  const list = message.options.get(OPTION.parameterRequest) ?? offered.values.keys()
  for (const code of [...offered.always, ...list]) {
    const value = offered.values.get(code)
    if (value !== undefined) options.set(code, value)
  }
}

function bootOptions({ nextServer, serverName, file, options }: BootAnswer): OptionSet {
  const values = new Map(options)
  const always = new Set(values.keys())
  const server = serverName ?? (nextServer === undefined ? undefined : formatIpv4(nextServer))
  if (server !== undefined) values.set(OPTION.tftpServer, textOption(server))
  if (file !== undefined) values.set(OPTION.bootFile, textOption(file))
  return { values, always }
}

function hostNameOption(name: string): OptionSet {
  return { values: new Map([[OPTION.hostName as number, textOption(name)]]), always: new Set() }
}
