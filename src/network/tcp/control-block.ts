import type { Clock } from '../clock.ts'
import type { TcpAccept, TcpConnection, TcpHandlers, TcpPeer } from './connection.ts'
import { TcpReceiver } from './receiver.ts'
import { FLAG, sequenceLength, type TcpSegment } from './segment.ts'
import { TcpSender } from './sender.ts'
import { advance } from './sequence.ts'

/**
 * The state of one connection, RFC 9293's transmission control block, and what arriving segments do to it (3.10.7).
 *
 *     syn-received --> established --> time-wait --> closed
 *
 * The states between, such as CLOSE-WAIT and FIN-WAIT-2, are which of the two halves is done.
 */
export interface BlockSurroundings {
  readonly clock: Clock
  readonly initialSequence: number
  /** The largest segment that one frame carries. */
  readonly segmentBytes: number
  readonly accept: TcpAccept
  readonly emit: (segment: OutgoingSegment) => void
  readonly closed: () => void
}

export type OutgoingSegment = Omit<TcpSegment, 'sourcePort' | 'destinationPort'>
export type BlockState = 'syn-received' | 'established' | 'time-wait' | 'closed'

const SEND_BUFFER_BYTES = 128 << 10
/** A spoofed SYN is answered four times at most. */
const MAXIMUM_SYN_TIMEOUTS = 3
const SYN_TIMEOUT_MS = 1000
/** For a peer that keeps its half open though we ended ours (RFC 9293 lets FIN-WAIT-2 last for ever). */
const HALF_CLOSED_MS = 60_000
/** Twice the longest life of a segment (3.4.2 leaves it to the engineer), which on one switch is short. */
const TIME_WAIT_MS = 2000
/** Of a SYN without the option (3.7.1). */
const DEFAULT_SEGMENT_BYTES = 536
/** Less would be a way to have us send headers only. */
const LEAST_SEGMENT_BYTES = 64
const NOTHING = new Uint8Array(0)

export class ControlBlock implements TcpConnection {
  readonly remote: TcpPeer
  readonly localPort: number
  readonly #surroundings: BlockSurroundings
  readonly #syn: TcpSegment
  readonly #receiver: TcpReceiver
  readonly #sender: TcpSender
  #handlers: TcpHandlers | undefined
  #state: BlockState = 'syn-received'
  #isEnded = false
  #hasToldEnd = false
  #wantsDrained = false
  #synTimeouts = 0
  #cancelTimer: (() => void) | undefined

  /** @param syn the peer's first segment */
  constructor(remote: TcpPeer, syn: TcpSegment, surroundings: BlockSurroundings) {
    this.remote = remote
    this.localPort = syn.destinationPort
    this.#surroundings = surroundings
    this.#syn = syn
    const { clock, initialSequence, segmentBytes } = surroundings
    const wanted = Math.max(syn.maximumSegment ?? DEFAULT_SEGMENT_BYTES, LEAST_SEGMENT_BYTES)
    const peer = { segmentBytes: Math.min(wanted, segmentBytes), shift: syn.windowScale ?? 0 }
    this.#receiver = new TcpReceiver(advance(syn.sequence, 1), (bytes) => this.#handlers?.data(bytes))
    this.#sender = new TcpSender(advance(initialSequence, 1), peer, {
      clock,
      emit: (sequence, flags, payload) => this.#emit(sequence, flags, payload),
      giveUp: () => this.reset(),
    })
  }

  /** Answers the peer's SYN. */
  open(): void {
    this.#sendSynAck()
  }

  get state(): BlockState {
    return this.#state
  }

  /** A new connection may take its place: it is over, and the SYN is newer than all it had (RFC 9293, 3.10.7.4). */
  mayBeReplacedBy({ sequence }: TcpSegment): boolean {
    return this.#state === 'time-wait' && ((sequence - this.#receiver.next) | 0) > 0
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isEnded || this.#state !== 'established') return false
    this.#sender.write(bytes)
    this.#sender.flush()
    this.#wantsDrained = this.#sender.waiting > SEND_BUFFER_BYTES
    return !this.#wantsDrained
  }

  end(): void {
    if (this.#isEnded || this.#state !== 'established') return
    this.#isEnded = true
    this.#sender.finish()
    this.#sender.flush()
    this.#startTimer(HALF_CLOSED_MS, () => this.#checkHalfClosed())
  }

  reset(): void {
    if (this.#state === 'closed') return
    this.#emit(this.#sender.next, FLAG.rst | FLAG.ack, NOTHING)
    this.drop()
  }

  pause(): void {
    this.#receiver.pause()
  }

  resume(): void {
    if (this.#receiver.resume() && this.#state === 'established') this.#acknowledge()
    this.#tellEnd()
  }

  /** Without a word to the peer. */
  drop(): void {
    if (this.#state === 'closed') return
    this.#sender.close()
    this.#cancelTimer?.()
    this.#state = 'closed'
    this.#surroundings.closed()
    this.#handlers?.closed?.()
    this.#handlers = undefined
  }

  /** RFC 9293, 3.10.7.4, in its order. */
  receive(segment: TcpSegment): void {
    const { flags, sequence } = segment
    if (this.#isAgainSyn(segment)) this.#sendSynAck()
    else if (!this.#receiver.isAcceptable(segment)) {
      if ((flags & FLAG.rst) === 0) this.#acknowledge()
    } else if (flags & FLAG.rst && sequence === this.#receiver.next) this.drop()
    // RFC 5961, 3.2 and 4.2: what does not hit exactly is asked back.
    else if (flags & (FLAG.rst | FLAG.syn)) this.#acknowledge()
    else if (flags & FLAG.ack && (this.#state !== 'syn-received' || this.#establish(segment)))
      this.#receiveInOrder(segment)
  }

  /** The same, from the fifth on. */
  #receiveInOrder(segment: TcpSegment): void {
    if (this.#sender.acknowledged(segment) === 'beyond') {
      this.#acknowledge()
      return
    }
    const before = this.#sender.next
    const wantsAnswer = this.#receiver.receive(segment)
    this.#tellEnd()
    this.#tellDrained()
    this.#sender.flush()
    // What was sent meanwhile has told it already.
    if (wantsAnswer && this.#state !== 'closed' && this.#sender.next === before) this.#acknowledge()
    this.#closeWhenDone()
  }

  #isAgainSyn({ flags, sequence }: TcpSegment): boolean {
    const isSyn = (flags & (FLAG.syn | FLAG.ack | FLAG.rst)) === FLAG.syn
    return this.#state === 'syn-received' && isSyn && sequence === this.#syn.sequence
  }

  #establish(segment: TcpSegment): boolean {
    if (segment.acknowledgment !== this.#sender.next) {
      this.#surroundings.emit(resetFor(segment))
      return false
    }
    this.#cancelTimer?.()
    this.#sender.learnWindow(segment)
    this.#state = 'established'
    this.#handlers = this.#surroundings.accept(this)
    return this.state === 'established'
  }

  #tellEnd(): void {
    if (!this.#receiver.isDone || this.#hasToldEnd) return
    this.#hasToldEnd = true
    if (this.#handlers?.ended === undefined) this.end()
    else this.#handlers.ended()
  }

  #tellDrained(): void {
    if (!this.#wantsDrained || this.#sender.waiting * 2 > SEND_BUFFER_BYTES) return
    this.#wantsDrained = false
    this.#handlers?.drained?.()
  }

  #closeWhenDone(): void {
    if (this.#state !== 'established' || !this.#sender.isDone || !this.#receiver.isDone) return
    this.#sender.close()
    this.#state = 'time-wait'
    this.#startTimer(TIME_WAIT_MS, () => this.drop())
    this.#handlers?.closed?.()
    this.#handlers = undefined
  }

  #checkHalfClosed(): void {
    // While our own data still moves, its timers see to it that the connection ends.
    if (this.#sender.isDone) this.drop()
    else this.#startTimer(HALF_CLOSED_MS, () => this.#checkHalfClosed())
  }

  #startTimer(milliseconds: number, action: () => void): void {
    this.#cancelTimer?.()
    this.#cancelTimer = this.#surroundings.clock.after(milliseconds, action)
  }

  #sendSynAck(): void {
    const { initialSequence, segmentBytes } = this.#surroundings
    this.#surroundings.emit({
      sequence: initialSequence,
      acknowledgment: this.#receiver.next,
      flags: FLAG.syn | FLAG.ack,
      window: this.#receiver.window,
      maximumSegment: segmentBytes,
      // Our own windows are not scaled; saying so lets the peer scale its (RFC 7323, 2.2).
      ...(this.#syn.windowScale !== undefined && { windowScale: 0 }),
      payload: NOTHING,
    })
    this.#startTimer(SYN_TIMEOUT_MS << this.#synTimeouts, () => {
      if (++this.#synTimeouts > MAXIMUM_SYN_TIMEOUTS) this.drop()
      else this.#sendSynAck()
    })
  }

  #acknowledge(): void {
    this.#emit(this.#sender.next, FLAG.ack, NOTHING)
  }

  #emit(sequence: number, flags: number, payload: Uint8Array): void {
    const { next, window } = this.#receiver
    this.#surroundings.emit({ sequence, acknowledgment: next, flags, window, payload })
  }
}

/** RFC 9293, 3.10.7.1: the answer to a segment that no connection takes; never to a reset. */
export function resetFor(segment: TcpSegment): OutgoingSegment {
  const nothing = { window: 0, payload: NOTHING }
  if (segment.flags & FLAG.ack)
    return { sequence: segment.acknowledgment, acknowledgment: 0, flags: FLAG.rst, ...nothing }
  return {
    sequence: 0,
    acknowledgment: advance(segment.sequence, sequenceLength(segment)),
    flags: FLAG.rst | FLAG.ack,
    ...nothing,
  }
}
