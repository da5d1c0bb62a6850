import type { Clock } from '../../clock.ts'
import type { BootFile } from '../../world.ts'
import type { TftpAgreement } from './options.ts'
import { encodeTftp, TFTP_ERROR, type TftpPacket } from './packet.ts'

/**
 * One file on its way to one client (RFC 1350, section 6; windows RFC 7440). Blocks are counted from 1 without end;
 * on the wire their numbers have 16 bits and go round.
 *
 *     acknowledged     sent                last
 *      | in flight      | not sent yet      |
 */
export interface TransferSurroundings {
  readonly clock: Clock
  readonly send: (packet: Uint8Array) => void
  /** Called once. */
  readonly ended: (outcome: TransferOutcome) => void
}

export type TransferOutcome = 'done' | 'aborted' | 'timed-out' | 'failed'

const FIRST_TIMEOUT_MS = 1000
/** In a row, without any news of the client. */
const MOST_REPEATS = 5
/** Until the client has answered once: its address may be somebody else's. */
const MOST_REPEATS_UNCONFIRMED = 2
/** Read at once, so that a window of one block does not cost a read of its own. */
const READ_BYTES = 64 << 10

export class TftpTransfer {
  readonly #file: BootFile
  readonly #agreement: TftpAgreement
  readonly #surroundings: TransferSurroundings
  readonly #last: number
  #acknowledged = 0
  #sent = 0
  #isStarted: boolean
  #isConfirmed = false
  #hasRepeatedWindow = false
  #repeats = 0
  #chunk: { readonly offset: number; readonly bytes: Uint8Array } = { offset: 0, bytes: new Uint8Array(0) }
  #isReading = false
  #isEnded = false
  #cancelTimer: (() => void) | undefined

  constructor(file: BootFile, agreement: TftpAgreement, surroundings: TransferSurroundings) {
    this.#file = file
    this.#agreement = agreement
    this.#surroundings = surroundings
    this.#last = Math.floor(file.size / agreement.blockBytes) + 1
    // With options, the client acknowledges those as block 0 (RFC 2347).
    this.#isStarted = agreement.told.size === 0
  }

  get size(): number {
    return this.#file.size
  }

  get sentBytes(): number {
    return Math.min(this.#acknowledged * this.#agreement.blockBytes, this.#file.size)
  }

  start(): void {
    if (this.#isStarted) this.#sendWindow()
    else this.#sendOptions()
  }

  /** The client's request came again. */
  restart(): void {
    if (!this.#isConfirmed && !this.#isReading && this.#repeats < MOST_REPEATS_UNCONFIRMED) this.#repeat()
  }

  receive(packet: TftpPacket): 'handled' | 'malformed' {
    if (packet.kind === 'error') {
      // A boot ROM asks for the size alone, and says so in this way.
      this.#end(this.#isStarted ? 'aborted' : 'done')
      return 'handled'
    }
    if (packet.kind !== 'acknowledgment') {
      this.#surroundings.send(
        encodeTftp({ kind: 'error', code: TFTP_ERROR.illegalOperation, message: 'It is being read' }),
      )
      this.#end('failed')
      return 'malformed'
    }
    if (!this.#isReading) this.#acknowledge(packet.block)
    return 'handled'
  }

  close(): void {
    this.#end('aborted')
  }

  #acknowledge(block: number): void {
    if (!this.#isStarted) {
      if (block !== 0) return
      this.#isStarted = true
      this.#progressed()
      this.#sendWindow()
      return
    }
    // How many blocks further than the last acknowledged, on the circle of 2^16.
    const count = (block - this.#acknowledged) & 0xffff
    if (count > this.#sent - this.#acknowledged) return
    if (count === 0) {
      // The first of a window is missing (RFC 7440, section 4). Of single blocks it is a repetition, and answering
      // those doubles every packet from then on (RFC 1123, 4.2.3.1).
      if (this.#agreement.windowBlocks === 1 || this.#hasRepeatedWindow || this.#sent === 0) return
      this.#hasRepeatedWindow = true
    } else {
      this.#acknowledged += count
      this.#hasRepeatedWindow = false
      this.#progressed()
    }
    if (this.#acknowledged === this.#last) this.#end('done')
    else this.#sendWindow()
  }

  #progressed(): void {
    this.#isConfirmed = true
    this.#repeats = 0
  }

  #sendOptions(): void {
    this.#surroundings.send(encodeTftp({ kind: 'options', options: this.#agreement.told }))
    this.#startTimer()
  }

  /** Blocks after the last acknowledged one. */
  #sendWindow(): void {
    this.#cancelTimer?.()
    const { blockBytes, windowBlocks } = this.#agreement
    const first = this.#acknowledged + 1
    const end = Math.min(first + windowBlocks, this.#last + 1)
    const offset = (first - 1) * blockBytes
    const length = Math.min((end - first) * blockBytes, this.#file.size - offset)
    const send = (bytes: Uint8Array) => {
      for (let block = first; block < end; block++) {
        const at = (block - first) * blockBytes
        const part = bytes.subarray(at, at + blockBytes)
        this.#surroundings.send(encodeTftp({ kind: 'data', block: block & 0xffff, bytes: part }))
      }
      this.#sent = end - 1
      this.#startTimer()
    }
    const at = offset - this.#chunk.offset
    if (at >= 0 && at + length <= this.#chunk.bytes.length) send(this.#chunk.bytes.subarray(at, at + length))
    else void this.#read(offset, length).then((bytes) => bytes && send(bytes))
  }

  /** Undefined when the transfer has ended meanwhile, or ends because the file cannot be read. */
  async #read(offset: number, length: number): Promise<Uint8Array | undefined> {
    this.#isReading = true
    try {
      const bytes = await this.#file.read(offset, Math.max(length, READ_BYTES))
      if (this.#isEnded) return undefined
      if (bytes.length < length) throw new RangeError('the file has become shorter')
      this.#chunk = { offset, bytes }
      return bytes.subarray(0, length)
    } catch {
      if (this.#isEnded) return undefined
      const message = 'It cannot be read'
      this.#surroundings.send(encodeTftp({ kind: 'error', code: TFTP_ERROR.undefined, message }))
      this.#end('failed')
      return undefined
    } finally {
      this.#isReading = false
    }
  }

  #startTimer(): void {
    this.#cancelTimer?.()
    const { timeoutSeconds } = this.#agreement
    const milliseconds =
      timeoutSeconds === undefined ? FIRST_TIMEOUT_MS << this.#repeats : timeoutSeconds * 1000
    this.#cancelTimer = this.#surroundings.clock.after(milliseconds, () => {
      if (this.#repeats >= (this.#isConfirmed ? MOST_REPEATS : MOST_REPEATS_UNCONFIRMED))
        this.#end('timed-out')
      else this.#repeat()
    })
  }

  #repeat(): void {
    this.#repeats++
    this.#hasRepeatedWindow = false
    if (this.#isStarted) this.#sendWindow()
    else this.#sendOptions()
  }

  #end(outcome: TransferOutcome): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#cancelTimer?.()
    this.#file.close()
    this.#surroundings.ended(outcome)
  }
}
