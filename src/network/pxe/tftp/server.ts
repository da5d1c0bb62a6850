import { formatIpv4 } from '../../addresses.ts'
import type { Answer } from '../../answer.ts'
import type { Clock } from '../../clock.ts'
import type { NetworkHost } from '../../host.ts'
import type { Datagram } from '../../host-address.ts'
import type { BootFile } from '../../world.ts'
import type { BootRequestLog, BootRequestRecord } from '../requests.ts'
import { netasciiOf } from './netascii.ts'
import { agree } from './options.ts'
import { decodeTftp, encodeTftp, TFTP_ERROR, type TftpRequest } from './packet.ts'
import { TftpTransfer } from './transfer.ts'

/**
 * The TFTP server (RFC 1350): reading only. Each transfer has a port of its own (section 4). How many there are is
 * bounded, for all and for each station.
 */
export interface TftpSurroundings {
  readonly host: NetworkHost
  readonly clock: Clock
  readonly open: (path: string) => Promise<BootFile | undefined>
  readonly log: BootRequestLog
}

export interface TftpTransferStatus {
  readonly client: string
  readonly path: string
  readonly bytes: number
  readonly size: number
}

export const TFTP_PORT = 69
/** Of IPv4, UDP and TFTP: what a packet carries without them is the largest block. */
const HEADER_BYTES = 32
const MOST_TRANSFERS = { all: 128, station: 8 } as const
/** For private use (RFC 6335, section 6). */
const FIRST_PORT = 49_152

interface Session {
  readonly client: Datagram
  readonly path: string
  /** Undefined while its file is being opened. */
  transfer: TftpTransfer | undefined
  end: () => void
}

export class TftpServer {
  readonly #surroundings: TftpSurroundings
  /** By client's address and port: a request that comes again finds its transfer. */
  readonly #sessions = new Map<string, Session>()
  #isClosed = false

  constructor(surroundings: TftpSurroundings) {
    this.#surroundings = surroundings
  }

  status(): TftpTransferStatus[] {
    return [...this.#sessions.values()].map(({ client, path, transfer }) => ({
      client: formatIpv4(client.source),
      path,
      bytes: transfer?.sentBytes ?? 0,
      size: transfer?.size ?? 0,
    }))
  }

  receive(datagram: Datagram): Answer {
    // A request to everybody is for nobody (RFC 1123, 4.2.3.4).
    if (datagram.destination !== this.#surroundings.host.where.address) return 'not-mine'
    const packet = decodeTftp(datagram.payload)
    if (typeof packet === 'string') return packet
    if (packet.kind === 'write') {
      this.#refuse(datagram, TFTP_ERROR.accessViolation, 'Nothing can be written here')
      return 'handled'
    }
    // Answering an error, or what is no request, could go on for ever (RFC 1350, section 7).
    if (packet.kind !== 'read') return 'malformed'
    const key = `${datagram.source} ${datagram.sourcePort}`
    const session = this.#sessions.get(key)
    if (session !== undefined) session.transfer?.restart()
    else if (this.#hasRoom(datagram.sourceMac)) void this.#open(key, datagram, packet.request)
    return 'handled'
  }

  close(): void {
    this.#isClosed = true
    for (const session of [...this.#sessions.values()]) session.end()
  }

  /** Without room it is silent: the client asks again. */
  #hasRoom(mac: number): boolean {
    if (this.#sessions.size >= MOST_TRANSFERS.all) return false
    const own = [...this.#sessions.values()].filter(({ client }) => client.sourceMac === mac)
    return own.length < MOST_TRANSFERS.station
  }

  async #open(key: string, datagram: Datagram, request: TftpRequest): Promise<void> {
    if (request.mode !== 'octet' && request.mode !== 'netascii') {
      this.#refuse(datagram, TFTP_ERROR.illegalOperation, 'Only octet and netascii are known')
      return
    }
    const client = { ...datagram, payload: new Uint8Array(0) }
    const session: Session = {
      client,
      path: request.file,
      transfer: undefined,
      end: () => this.#sessions.delete(key),
    }
    this.#sessions.set(key, session)
    const file = await this.#openFile(request)
    if (this.#isClosed || file === undefined) {
      file?.close()
      session.end()
      if (this.#isClosed) return
      this.#log(session, 'not-found', 0)
      this.#refuse(client, TFTP_ERROR.notFound, 'There is no such file')
      return
    }
    this.#start(session, file, request)
  }

  async #openFile(request: TftpRequest): Promise<BootFile | undefined> {
    try {
      const file = await this.#surroundings.open(request.file)
      if (file === undefined || request.mode === 'octet') return file
      const text = await netasciiOf(file)
      if (text === undefined) file.close()
      return text
    } catch {
      return undefined
    }
  }

  #start(session: Session, file: BootFile, request: TftpRequest): void {
    const { host, clock } = this.#surroundings
    const { client } = session
    const port = this.#freePort()
    const agreement = agree(request, file.size, host.mtu - HEADER_BYTES)
    const transfer = new TftpTransfer(file, agreement, {
      clock,
      send: (payload) => this.#send(client, port, payload),
      ended: (outcome) => {
        ignore()
        this.#sessions.delete(`${client.source} ${client.sourcePort}`)
        this.#log(session, outcome, transfer.sentBytes)
      },
    })
    session.transfer = transfer
    session.end = () => transfer.close()
    const ignore = host.listen(port, (datagram) => {
      const packet = decodeTftp(datagram.payload)
      if (typeof packet === 'string') return packet
      if (datagram.source === client.source && datagram.sourcePort === client.sourcePort)
        return transfer.receive(packet)
      // Section 4: another client's packet disturbs nobody; it hears of its mistake, but no error of an error.
      if (packet.kind !== 'error') this.#send(datagram, port, UNKNOWN_TRANSFER)
      return 'not-mine'
    })
    transfer.start()
  }

  #freePort(): number {
    for (;;) {
      const port = FIRST_PORT + Math.floor(Math.random() * (65_536 - FIRST_PORT))
      if (!this.#surroundings.host.isListening(port)) return port
    }
  }

  #log({ client, path }: Session, outcome: BootRequestRecord['outcome'], bytes: number): void {
    const { clock, log } = this.#surroundings
    log.add({
      at: new Date(clock.now()).toISOString(),
      client: formatIpv4(client.source),
      protocol: 'tftp',
      path,
      outcome,
      bytes,
    })
  }

  #refuse(datagram: Datagram, code: number, message: string): void {
    this.#send(datagram, TFTP_PORT, encodeTftp({ kind: 'error', code, message }))
  }

  #send(to: Datagram, sourcePort: number, payload: Uint8Array): void {
    const { sourceMac: mac, source: destination, sourcePort: destinationPort } = to
    this.#surroundings.host.sendDatagram({ mac, destination, sourcePort, destinationPort, payload })
  }
}

const UNKNOWN_TRANSFER = encodeTftp({
  kind: 'error',
  code: TFTP_ERROR.unknownTransfer,
  message: 'This transfer belongs to another client',
})
