import type { Clock } from '../clock.ts'
import { Congestion } from './congestion.ts'
import { RoundTrip } from './round-trip.ts'
import { FLAG, type TcpSegment } from './segment.ts'
import { SendQueue } from './send-queue.ts'
import { advance, distance, isBefore } from './sequence.ts'

/**
 * The sending half of a connection: what may be in flight as far as the peer is concerned (RFC 9293, 3.8.6), and when
 * it is sent again (RFC 6298).
 *
 *     una            nxt                           max              una + queue.length
 *      | in flight    | again in flight after a timeout | not sent yet     | FIN
 */
export interface SenderSurroundings {
  readonly clock: Clock
  /** Sends; acknowledgment, window and ports are added there. */
  readonly emit: (sequence: number, flags: number, payload: Uint8Array) => void
  /** The peer is taken for dead. */
  readonly giveUp: () => void
}

/** Timeouts in a row after which the peer is dead: some three minutes (RFC 9293, 3.8.3: R2 of at least 100 s). */
const MAXIMUM_TIMEOUTS = 10
/** A peer that keeps its window shut longer holds memory for nothing (RFC 6429, section 4). */
const SHUT_WINDOW_MS = 120_000
const NOTHING = new Uint8Array(0)

export class TcpSender {
  readonly #surroundings: SenderSurroundings
  readonly #segmentBytes: number
  readonly #shift: number
  readonly #queue = new SendQueue()
  readonly #roundTrip = new RoundTrip()
  readonly #congestion: Congestion
  #una: number
  #nxt: number
  #max: number
  #finAt: number | undefined
  #window = 0
  #largestWindow = 0
  /** Of the segment that last told the window (RFC 9293, 3.3.1: SND.WL1, SND.WL2). */
  #toldAt = { sequence: 0, acknowledgment: 0 }
  /** The one segment whose round trip is being measured. */
  #timed: { readonly end: number; readonly at: number } | undefined
  #timeouts = 0
  #shutSince: number | undefined
  #cancelTimer: (() => void) | undefined
  #isClosed = false

  /** @param first sequence number of the first byte: the one after SYN */
  constructor(
    first: number,
    peer: { readonly segmentBytes: number; readonly shift: number },
    surroundings: SenderSurroundings,
  ) {
    this.#una = first
    this.#nxt = first
    this.#max = first
    this.#segmentBytes = peer.segmentBytes
    this.#shift = peer.shift
    this.#congestion = new Congestion(peer.segmentBytes, first)
    this.#surroundings = surroundings
  }

  get next(): number {
    return this.#nxt
  }

  /** Bytes written and not acknowledged. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Everything has arrived at the peer, FIN included. */
  get isDone(): boolean {
    return this.#finAt !== undefined && this.#una === advance(this.#finAt, 1)
  }

  write(bytes: Uint8Array): void {
    this.#queue.append(bytes)
  }

  /** A FIN follows the last byte; nothing is written any more. */
  finish(): void {
    this.#finAt ??= advance(this.#una, this.#queue.length)
  }

  /** Sends nothing any more, not even what was lost. */
  close(): void {
    this.#isClosed = true
    this.#stopTimer()
  }

  /** RFC 9293, 3.10.7.4, fifth. `beyond`: it acknowledges what was never sent. */
  acknowledged(segment: TcpSegment): 'taken' | 'beyond' {
    const { sequence, acknowledgment } = segment
    if (isBefore(this.#max, acknowledgment)) return 'beyond'
    if (isBefore(acknowledgment, this.#una)) return 'taken'
    const isDuplicate = acknowledgment === this.#una && this.#isDuplicate(segment)
    const told = this.#toldAt
    const isNewer =
      isBefore(told.sequence, sequence) ||
      (told.sequence === sequence && !isBefore(acknowledgment, told.acknowledgment))
    if (isNewer) this.learnWindow(segment)
    if (acknowledgment !== this.#una) this.#advance(acknowledgment)
    else if (isDuplicate && this.#congestion.duplicated(this.#una, this.#max)) this.#sendFirstAgain()
    return 'taken'
  }

  learnWindow({ sequence, acknowledgment, window, flags }: TcpSegment): void {
    // A window beside SYN is never scaled (RFC 7323, 2.2).
    this.#window = flags & FLAG.syn ? window : window << this.#shift
    this.#largestWindow = Math.max(this.#largestWindow, this.#window)
    this.#toldAt = { sequence, acknowledgment }
    if (this.#window > 0) this.#shutSince = undefined
  }

  /** Sends what may be sent now. */
  flush(): void {
    if (this.#isClosed) return
    while (this.#sendNext());
    if (this.#cancelTimer === undefined) this.#startTimer()
  }

  /** RFC 5681, section 2. */
  #isDuplicate({ payload, flags, window }: TcpSegment): boolean {
    const isBare = payload.length === 0 && (flags & (FLAG.syn | FLAG.fin)) === 0
    return isBare && this.#max !== this.#una && window << this.#shift === this.#window
  }

  #advance(acknowledgment: number): void {
    const count = distance(this.#una, acknowledgment)
    this.#queue.drop(Math.min(count, this.#queue.length))
    this.#una = acknowledgment
    if (isBefore(this.#nxt, this.#una)) this.#nxt = this.#una
    if (this.#timed !== undefined && !isBefore(this.#una, this.#timed.end)) {
      this.#roundTrip.measured(this.#surroundings.clock.now() - this.#timed.at)
      this.#timed = undefined
    }
    this.#timeouts = 0
    this.#roundTrip.progressed()
    if (this.#congestion.advanced(this.#una, count)) this.#sendFirstAgain()
    // RFC 6298, 5.3: the timer starts anew.
    this.#stopTimer()
  }

  #sendFirstAgain(): void {
    this.#send(this.#una, Math.min(this.#segmentBytes, this.#queue.length))
    this.#timed = undefined
  }

  /** One segment, if there is one to send and room for it at the peer and in the network. */
  #sendNext(): boolean {
    const inFlight = distance(this.#una, this.#nxt)
    const rest = this.#queue.length - inFlight
    if (rest < 0) return false
    const room = Math.min(this.#window, this.#congestion.window) - inFlight
    const length = Math.max(0, Math.min(rest, room, this.#segmentBytes))
    const isLast = length === rest
    if (length === 0 && this.#nxt !== this.#finAt) return false
    // RFC 9293, 3.8.6.2.1: no small segment because a small window opened; the timer sees to it in the end.
    const isWorthIt = isLast || length === this.#segmentBytes || length * 2 >= this.#largestWindow
    if (!isWorthIt) return false
    this.#send(this.#nxt, length)
    return true
  }

  #send(sequence: number, length: number): void {
    const isLast = distance(this.#una, sequence) + length === this.#queue.length
    const hasFin = isLast && this.#finAt !== undefined
    const payload = length === 0 ? NOTHING : this.#queue.copy(distance(this.#una, sequence), length)
    const end = advance(sequence, length + (hasFin ? 1 : 0))
    if (isBefore(this.#max, end)) {
      // Only what is sent the first time is measured (RFC 6298, section 3).
      if (sequence === this.#max) this.#timed ??= { end, at: this.#surroundings.clock.now() }
      this.#max = end
    }
    if (isBefore(this.#nxt, end)) this.#nxt = end
    this.#surroundings.emit(
      sequence,
      FLAG.ack | (isLast && length > 0 ? FLAG.psh : 0) | (hasFin ? FLAG.fin : 0),
      payload,
    )
  }

  #stopTimer(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #startTimer(): void {
    const isWaiting = this.#nxt !== this.#una || this.#queue.length > 0
    if (!isWaiting || this.#isClosed) return
    const milliseconds = this.#roundTrip.timeoutMs
    this.#cancelTimer = this.#surroundings.clock.after(milliseconds, () => {
      this.#cancelTimer = undefined
      if (this.#window === 0 || this.#nxt === this.#una) this.#probe()
      else this.#timeout()
      if (this.#cancelTimer === undefined) this.#startTimer()
    })
  }

  /** RFC 6298, 5.4 to 5.6; all in flight counts as lost (RFC 9293, 3.8.3: go back and send it again in order). */
  #timeout(): void {
    if (++this.#timeouts > MAXIMUM_TIMEOUTS) {
      this.#surroundings.giveUp()
      return
    }
    this.#roundTrip.backOff()
    this.#congestion.timedOut(this.#una, this.#max)
    this.#timed = undefined
    this.#nxt = this.#una
    this.#send(this.#una, Math.min(this.#segmentBytes, this.#queue.length))
  }

  /** RFC 9293, 3.8.6.1: one byte into a shut window, for the answer tells whether it is open again. */
  #probe(): void {
    const { clock, giveUp } = this.#surroundings
    if (this.#window === 0) {
      this.#shutSince ??= clock.now()
      if (clock.now() - this.#shutSince >= SHUT_WINDOW_MS) {
        giveUp()
        return
      }
    }
    this.#roundTrip.backOff()
    const length = Math.min(Math.max(1, this.#window), this.#segmentBytes, this.#queue.length)
    this.#send(this.#una, length)
    this.#timed = undefined
    // The byte counts as not sent: a shut window has no room for it.
    if (this.#window === 0 && length > 0) this.#nxt = this.#una
  }
}
