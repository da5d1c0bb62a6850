import { readUint16, writeUint16 } from '../addresses.ts'
import type { Clock } from '../clock.ts'
import type { TcpAccept, TcpConnection, TcpHandlers } from '../tcp/connection.ts'
import type { DnsServer } from './server.ts'

/** DNS over TCP (RFC 7766): each message after its length in two bytes, as many as the client likes. */

const LENGTH_BYTES = 2
/** RFC 7766, 6.2.3: some seconds; a client that says nothing does not keep others out. */
const IDLE_MS = 10_000
/** Of one connection; more wait in the client. */
const MAXIMUM_UNDER_WAY = 32

export function dnsOverTcp(
  server: DnsServer,
  clock: Clock,
  isStation: (address: number) => boolean,
): TcpAccept {
  return (connection) => new DnsStream(server, clock, connection, isStation(connection.remote.address))
}

class DnsStream implements TcpHandlers {
  readonly #server: DnsServer
  readonly #clock: Clock
  readonly #connection: TcpConnection
  readonly #allowed: boolean
  #waiting: Uint8Array = new Uint8Array(0)
  #underWay = 0
  #isFull = false
  #hasEnded = false
  #isClosed = false
  #forgetIdle: () => void

  constructor(server: DnsServer, clock: Clock, connection: TcpConnection, allowed: boolean) {
    this.#server = server
    this.#clock = clock
    this.#connection = connection
    this.#allowed = allowed
    this.#forgetIdle = this.#watchIdle()
  }

  data(bytes: Uint8Array): void {
    this.#forgetIdle()
    this.#forgetIdle = this.#watchIdle()
    const joined = new Uint8Array(this.#waiting.length + bytes.length)
    joined.set(this.#waiting)
    joined.set(bytes, this.#waiting.length)
    this.#waiting = joined
    this.#answerWaiting()
  }

  drained(): void {
    this.#isFull = false
    this.#answerWaiting()
  }

  /** What was asked before the end is still answered. */
  ended(): void {
    this.#hasEnded = true
    this.#endIfDone()
  }

  closed(): void {
    this.#isClosed = true
    this.#forgetIdle()
  }

  #watchIdle(): () => void {
    return this.#clock.after(IDLE_MS, () => this.#connection.reset())
  }

  #answerWaiting(): void {
    while (!this.#isClosed && !this.#isFull && this.#underWay < MAXIMUM_UNDER_WAY) {
      const message = this.#take()
      if (message === undefined) break
      this.#answer(message)
    }
    if (this.#isClosed) return
    if (this.#isFull || this.#underWay >= MAXIMUM_UNDER_WAY) this.#connection.pause()
    else this.#connection.resume()
    this.#endIfDone()
  }

  #take(): Uint8Array | undefined {
    if (this.#waiting.length < LENGTH_BYTES) return undefined
    const end = LENGTH_BYTES + readUint16(this.#waiting, 0)
    if (this.#waiting.length < end) return undefined
    const message = this.#waiting.slice(LENGTH_BYTES, end)
    this.#waiting = this.#waiting.slice(end)
    return message
  }

  #answer(message: Uint8Array): void {
    const { address } = this.#connection.remote
    const answer = this.#allowed ? this.#server.answer(message, { address, transport: 'tcp' }) : 'not-mine'
    // Who says what cannot be answered has lost its place in the stream, or is no client.
    if (typeof answer === 'string') this.#connection.reset()
    else if (answer instanceof Promise) this.#answerLater(answer)
    else this.#write(answer)
  }

  #answerLater(answer: Promise<Uint8Array>): void {
    this.#underWay++
    void answer.then((bytes) => {
      this.#underWay--
      if (this.#isClosed) return
      this.#write(bytes)
      this.#answerWaiting()
    })
  }

  /** Length and message in one segment (RFC 7766, 8). */
  #write(message: Uint8Array): void {
    const bytes = new Uint8Array(LENGTH_BYTES + message.length)
    writeUint16(bytes, 0, message.length)
    bytes.set(message, LENGTH_BYTES)
    if (!this.#connection.write(bytes)) this.#isFull = true
  }

  #endIfDone(): void {
    if (this.#hasEnded && !this.#isClosed && this.#underWay === 0 && !this.#isFull) this.#connection.end()
  }
}
