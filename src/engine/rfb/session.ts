import { asciiBytes, asciiOf, viewOf } from '../../base/index.ts'
import { ByteQueue } from './byte-queue.ts'
import type { FrameBuffer, Rectangle } from './frame-buffer.ts'
import { formatPixelFormat, type PixelFormat, parsePixelFormat, RGBX } from './pixel-format.ts'
import { CLIENT_MESSAGE, RESIZE_PROHIBITED, SECURITY_NONE, VERSION_3_8 } from './protocol.ts'
import { UpdateWriter } from './update-writer.ts'

/** What a session asks of its surroundings. */
export interface SessionPorts {
  readonly screen: FrameBuffer
  /** The desktop's name that the client shows. */
  readonly name: string
  send(bytes: Uint8Array): void
  /** True while the client reads too slowly: then updates wait. */
  congested(): boolean
  keysym(keysym: number, down: boolean): void
  scancode(scancode: number, down: boolean): void
  pointer(x: number, y: number, buttons: number): void
  /** The client broke the protocol; the connection ends. */
  fail(reason: string): void
}

/** More cut text than this is a broken client. The guest has no clipboard, so the text is skipped, not kept. */
const LONGEST_CUT_TEXT = 16 * 1024 * 1024

type Phase = 'version' | 'security' | 'init' | 'running' | 'over'

/**
 * One client of an RFB server, as a pure state machine: bytes in by `receive`, bytes out by `send`.
 *
 *     version -> security (None) -> init -> running: requests in, updates out
 *
 * An update is sent only as the answer to a request, one for each; a request that finds nothing new waits for
 * `update`. @source RFC 6143, sections 7.1 to 7.6.
 */
export class RfbSession {
  readonly #ports: SessionPorts
  readonly #input = new ByteQueue()
  #writer: UpdateWriter
  #phase: Phase = 'version'
  #minor = 8
  #skip = 0
  #request: Rectangle | undefined
  #format: PixelFormat = RGBX

  constructor(ports: SessionPorts) {
    this.#ports = ports
    this.#writer = new UpdateWriter(ports.screen)
    ports.send(asciiBytes(VERSION_3_8))
  }

  receive(bytes: Uint8Array): void {
    const skipped = Math.min(this.#skip, bytes.length)
    this.#skip -= skipped
    this.#input.push(bytes.subarray(skipped))
    while (this.#phase !== 'over' && this.#skip === 0 && this.#step()) {
      // Each step takes one message; the loop ends when the next is not complete.
    }
  }

  /** Answers the waiting request if there is something new. The screen must be fresh. */
  update(): void {
    if (this.#request === undefined || this.#phase !== 'running' || this.#ports.congested()) return
    const message = this.#writer.update(this.#request, this.#format)
    if (message === undefined) return
    this.#request = undefined
    this.#ports.send(message)
  }

  #step(): boolean {
    switch (this.#phase) {
      case 'version':
        return this.#version()
      case 'security':
        return this.#security()
      case 'init':
        return this.#init()
      default:
        return this.#message()
    }
  }

  #version(): boolean {
    const bytes = this.#input.take(12)
    if (!bytes) return false
    const match = /^RFB 003\.(\d{3})\n$/.exec(asciiOf(bytes))
    if (!match) return this.#fail('The client does not speak RFB 3.')
    // Section 7.1.1: versions but 3.3, 3.7 and 3.8 are to be taken as 3.3.
    this.#minor = [7, 8].includes(Number(match[1])) ? Number(match[1]) : 3
    if (this.#minor === 3) {
      this.#ports.send(Uint8Array.of(0, 0, 0, SECURITY_NONE))
      this.#phase = 'init'
    } else {
      this.#ports.send(Uint8Array.of(1, SECURITY_NONE))
      this.#phase = 'security'
    }
    return true
  }

  #security(): boolean {
    const choice = this.#input.take(1)
    if (!choice) return false
    if (choice[0] !== SECURITY_NONE)
      return this.#fail('The client wants a security type that was not offered.')
    if (this.#minor === 8) this.#ports.send(new Uint8Array(4))
    this.#phase = 'init'
    return true
  }

  #init(): boolean {
    if (!this.#input.take(1)) return false
    const { screen, name } = this.#ports
    const text = new TextEncoder().encode(name)
    const out = new Uint8Array(24 + text.length)
    const view = viewOf(out)
    view.setUint16(0, screen.width)
    view.setUint16(2, screen.height)
    out.set(formatPixelFormat(RGBX), 4)
    view.setUint32(20, text.length)
    out.set(text, 24)
    this.#writer.start()
    this.#ports.send(out)
    this.#phase = 'running'
    return true
  }

  /** Section 7.5; false when the message is not complete. */
  #message(): boolean {
    switch (this.#input.peek(1)?.[0]) {
      case undefined:
        return false
      case CLIENT_MESSAGE.setPixelFormat:
        return this.#with(20, (bytes) => this.#setPixelFormat(bytes.subarray(4)))
      case CLIENT_MESSAGE.setEncodings:
        return this.#withCounted(4, 2, 4, (bytes) => this.#setEncodings(bytes))
      case CLIENT_MESSAGE.updateRequest:
        return this.#with(10, (bytes) => this.#updateRequest(viewOf(bytes)))
      case CLIENT_MESSAGE.key:
        return this.#with(8, (bytes) => this.#ports.keysym(viewOf(bytes).getUint32(4), bytes[1] !== 0))
      case CLIENT_MESSAGE.pointer:
        return this.#with(6, (bytes) => {
          const view = viewOf(bytes)
          this.#ports.pointer(view.getUint16(2), view.getUint16(4), bytes[1]!)
        })
      case CLIENT_MESSAGE.cutText:
        return this.#with(8, (bytes) => this.#cutText(viewOf(bytes)))
      case CLIENT_MESSAGE.setDesktopSize:
        return this.#withCounted(8, 6, 16, () => this.#writer.announceSize(RESIZE_PROHIBITED))
      case CLIENT_MESSAGE.qemu:
        return this.#with(12, (bytes) => this.#qemuKey(bytes))
      default:
        return this.#fail(`The client sent message type ${this.#input.peek(1)![0]}.`)
    }
  }

  #with(length: number, action: (bytes: Uint8Array) => void): boolean {
    const bytes = this.#input.take(length)
    if (bytes) action(bytes)
    return bytes !== undefined
  }

  /** A message whose header holds a count (8 bits at 6, 16 bits at 2) of items that follow it. */
  #withCounted(
    header: number,
    countAt: number,
    itemSize: number,
    action: (bytes: Uint8Array) => void,
  ): boolean {
    const head = this.#input.peek(header)
    if (!head) return false
    const count = countAt === 6 ? head[6]! : viewOf(head).getUint16(countAt)
    return this.#with(header + count * itemSize, action)
  }

  #setPixelFormat(bytes: Uint8Array): void {
    const format = parsePixelFormat(bytes)
    if (format) this.#format = format
    else this.#fail('The client wants a pixel format with a colour map.')
  }

  #setEncodings(bytes: Uint8Array): void {
    const view = viewOf(bytes)
    const encodings = new Set<number>()
    for (let at = 4; at < bytes.length; at += 4) encodings.add(view.getInt32(at))
    this.#writer.setEncodings(encodings)
  }

  #updateRequest(view: DataView): void {
    const region = {
      x: view.getUint16(2),
      y: view.getUint16(4),
      width: view.getUint16(6),
      height: view.getUint16(8),
    }
    if (view.getUint8(1) === 0) this.#writer.forget(region)
    this.#request = region
    // An asked-for picture is one of now, not of the last tick.
    if (view.getUint8(1) === 0) this.#ports.screen.refresh()
    this.update()
  }

  #cutText(view: DataView): void {
    // A negative length is that of the extended clipboard.
    const length = Math.abs(view.getInt32(4))
    if (length > LONGEST_CUT_TEXT) this.#fail(`The client sent ${length} bytes of cut text.`)
    else this.#skip = length - (this.#input.take(Math.min(length, this.#input.length))?.length ?? 0)
  }

  #qemuKey(bytes: Uint8Array): void {
    if (bytes[1] !== 0 || bytes.length < 12) {
      this.#fail(`The client sent QEMU message ${bytes[1]}.`)
      return
    }
    const view = viewOf(bytes)
    const down = view.getUint16(2) !== 0
    const code = view.getUint32(8)
    // Extended keys arrive as the second byte with its high bit set. A client without a code sends 0.
    if (code === 0) this.#ports.keysym(view.getUint32(4), down)
    else this.#ports.scancode(code & 0x80 ? 0xe000 | (code & 0x7f) : code & 0x7f, down)
  }

  #fail(reason: string): false {
    this.#phase = 'over'
    this.#ports.fail(reason)
    return false
  }
}
