import { connect, type Socket } from 'node:net'
import { asciiBytes, asciiOf, VivariumError, viewOf } from '../../base/index.ts'
import { systemError } from '../../system/index.ts'
import { ByteQueue } from './byte-queue.ts'
import { chordsOf, type KeyInput } from './key-input.ts'
import type { Picture } from './picture.ts'
import { formatPixelFormat, RGBX } from './pixel-format.ts'
import { CLIENT_MESSAGE, ENCODING, SECURITY_NONE, SERVER_MESSAGE, VERSION_3_8 } from './protocol.ts'

/** What a screen can be; a server that claims more is broken, and its picture is not allocated. */
const LARGEST_SIDE = 16384
const LARGEST_PIXELS = 32 * 1024 * 1024

export interface RfbClientOptions {
  /** Of the whole action; default 10 seconds. */
  readonly timeoutMilliseconds?: number
}

/** Takes a picture of the screen behind an RFB socket. @throws VivariumError `unavailable`, `malformed` or `io`. */
export function grabScreen(socketPath: string, options: RfbClientOptions = {}): Promise<Picture> {
  return withConnection(socketPath, options.timeoutMilliseconds ?? 10_000, async (connection) => {
    await connection.hello()
    return connection.wholePicture()
  })
}

export interface TypeOptions {
  /** Between two keys; default 20: a BIOS keeps only 15 keys until its program reads them. */
  readonly delayMilliseconds?: number
}

/** Types a text or named keys, and resolves when the server has taken them all. @throws as `grabScreen`. */
export function typeKeys(socketPath: string, input: KeyInput, options: TypeOptions = {}): Promise<void> {
  const chords = chordsOf(input)
  const delay = options.delayMilliseconds ?? 20
  return withConnection(socketPath, 10_000 + chords.length * (delay + 10), async (connection) => {
    await connection.hello()
    for (const chord of chords) {
      for (const keysym of chord) connection.key(keysym, true)
      for (const keysym of chord.toReversed()) connection.key(keysym, false)
      await new Promise((resolve) => setTimeout(resolve, delay))
    }
    // Messages are handled in order: who answers this has handled the keys.
    await connection.onePixel()
  })
}

async function withConnection<Result>(
  socketPath: string,
  timeoutMilliseconds: number,
  action: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const socket = connect(socketPath)
  const connection = new Connection(socket, socketPath)
  const timer = setTimeout(() => {
    const message = `The console did not answer within ${timeoutMilliseconds / 1000} seconds.`
    socket.destroy(new VivariumError('unavailable', 'rfb-timeout', message, { where: { path: socketPath } }))
  }, timeoutMilliseconds)
  try {
    return await action(connection)
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

/** The client's side of RFB 3.8: security None, Raw pixels. @source RFC 6143. */
class Connection {
  readonly #socket: Socket
  readonly #path: string
  readonly #input = new ByteQueue()
  #error: unknown
  #wake: () => void = () => {}
  #width = 0
  #height = 0

  constructor(socket: Socket, path: string) {
    this.#socket = socket
    this.#path = path
    socket.on('data', (bytes) => {
      this.#input.push(bytes)
      this.#wake()
    })
    socket.on('error', (error) => this.#end(systemError(error, path)))
    socket.on('close', () => this.#end(this.#broken('The console closed the connection.')))
  }

  async hello(): Promise<void> {
    const version = asciiOf(await this.#take(12))
    if (!version.startsWith('RFB 003.'))
      throw this.#broken(`It greets with ${JSON.stringify(version)}, not RFB.`)
    this.#socket.write(asciiBytes(VERSION_3_8))
    const [count] = await this.#take(1)
    const types = await this.#take(count!)
    if (!types.includes(SECURITY_NONE)) throw this.#broken('The console wants a password.')
    this.#socket.write(Uint8Array.of(SECURITY_NONE))
    if (viewOf(await this.#take(4)).getUint32(0) !== 0)
      throw this.#broken('The console refuses the connection.')
    this.#socket.write(Uint8Array.of(1))
    const init = viewOf(await this.#take(24))
    await this.#take(this.#bounded(init.getUint32(20), 65_536, 'bytes of name'))
    this.#resize(init.getUint16(0), init.getUint16(2))
    this.#socket.write(
      Buffer.concat([[CLIENT_MESSAGE.setPixelFormat, 0, 0, 0], formatPixelFormat(RGBX)].map(part)),
    )
    this.#socket.write(setEncodings([ENCODING.raw, ENCODING.desktopSize]))
  }

  key(keysym: number, down: boolean): void {
    const message = new Uint8Array(8)
    message[0] = CLIENT_MESSAGE.key
    message[1] = Number(down)
    viewOf(message).setUint32(4, keysym)
    this.#socket.write(message)
  }

  async onePixel(): Promise<void> {
    this.#requestUpdate(1, 1)
    await this.#update(() => {})
  }

  /** Asks until every pixel has come; a change of size on the way starts over. */
  async wholePicture(): Promise<Picture> {
    for (;;) {
      const picture = {
        width: this.#width,
        height: this.#height,
        rgba: new Uint8Array(this.#width * this.#height * 4),
      }
      let missing = this.#width * this.#height
      let incremental = false
      let resized = false
      while (missing > 0 && !resized) {
        this.#requestUpdate(picture.width, picture.height, incremental)
        incremental = true
        resized = await this.#update((x, y, row) => {
          if (!resized) missing -= takeRow(picture, x, y, row)
        })
      }
      if (!resized) return picture
    }
  }

  /** Reads messages up to the end of one FramebufferUpdate; true when it brought another size. */
  async #update(onRow: (x: number, y: number, row: Uint8Array) => void): Promise<boolean> {
    for (;;) {
      const [type] = await this.#take(1)
      if (type === SERVER_MESSAGE.update) break
      await this.#skipMessage(type!)
    }
    const head = viewOf(await this.#take(3))
    let resized = false
    for (let left = head.getUint16(1); left > 0; left--) {
      const view = viewOf(await this.#take(12))
      const [x, y, width, height] = [0, 2, 4, 6].map((at) => view.getUint16(at)) as [
        number,
        number,
        number,
        number,
      ]
      const encoding = view.getInt32(8)
      if (encoding === ENCODING.desktopSize) {
        this.#resize(width, height)
        resized = true
      } else if (encoding === ENCODING.raw) {
        if (x + width > this.#width || y + height > this.#height)
          throw this.#broken('It drew outside of its screen.')
        for (let row = 0; row < height; row++) onRow(x, y + row, await this.#take(width * 4))
      } else {
        throw this.#broken(`It used encoding ${encoding}, which was not offered.`)
      }
    }
    return resized
  }

  async #skipMessage(type: number): Promise<void> {
    if (type === SERVER_MESSAGE.bell) return
    if (type === SERVER_MESSAGE.setColourMap) {
      await this.#take(viewOf(await this.#take(5)).getUint16(3) * 6)
    } else if (type === SERVER_MESSAGE.cutText) {
      await this.#take(this.#bounded(viewOf(await this.#take(7)).getUint32(3), 1 << 20, 'bytes of cut text'))
    } else {
      throw this.#broken(`It sent message type ${type}.`)
    }
  }

  #requestUpdate(width: number, height: number, incremental = false): void {
    const message = new Uint8Array(10)
    const view = viewOf(message)
    message[0] = CLIENT_MESSAGE.updateRequest
    message[1] = Number(incremental)
    view.setUint16(6, width)
    view.setUint16(8, height)
    this.#socket.write(message)
  }

  #resize(width: number, height: number): void {
    this.#bounded(width, LARGEST_SIDE, 'pixels of width')
    this.#bounded(height, LARGEST_SIDE, 'pixels of height')
    this.#bounded(width * height, LARGEST_PIXELS, 'pixels')
    this.#width = width
    this.#height = height
  }

  #bounded(value: number, limit: number, what: string): number {
    if (value > limit) throw this.#broken(`It announces ${value} ${what}, more than ${limit}.`)
    return value
  }

  async #take(count: number): Promise<Uint8Array> {
    for (;;) {
      const bytes = this.#input.take(count)
      if (bytes) return bytes
      if (this.#error !== undefined) throw this.#error
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #end(error: unknown): void {
    this.#error ??= error
    this.#wake()
  }

  #broken(message: string): VivariumError {
    return new VivariumError('malformed', 'rfb-protocol', message, {
      where: { path: this.#path },
      next: 'See whether the machine still runs.',
    })
  }
}

function part(bytes: Uint8Array | number[]): Uint8Array {
  return Uint8Array.from(bytes)
}

/** Copies pixels and makes them opaque; returns how many were still missing: a missing pixel is transparent. */
function takeRow({ width, rgba }: Picture, x: number, y: number, row: Uint8Array): number {
  let at = (y * width + x) * 4
  let taken = 0
  for (let from = 0; from < row.length; from += 4) {
    if (rgba[at + 3] === 0) taken++
    rgba[at] = row[from]!
    rgba[at + 1] = row[from + 1]!
    rgba[at + 2] = row[from + 2]!
    rgba[at + 3] = 255
    at += 4
  }
  return taken
}

function setEncodings(encodings: readonly number[]): Uint8Array {
  const message = new Uint8Array(4 + 4 * encodings.length)
  const view = viewOf(message)
  message[0] = CLIENT_MESSAGE.setEncodings
  view.setUint16(2, encodings.length)
  encodings.forEach((encoding, index) => {
    view.setInt32(4 + 4 * index, encoding)
  })
  return message
}
