import { createWriteStream, rmSync, type WriteStream } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { listenPrivately } from '../../../system/index.ts'
import type { Emulator } from './emulator.ts'

/** Bytes that may wait for a reader before it is cut off: the guest cannot be made to wait. */
const MOST_WAITING_BYTES = 1024 * 1024
/** What the UART holds before typing waits: its FIFO. */
const UART_FIFO = 16
const PACE_MILLISECONDS = 2

/** A serial port: a Unix socket for any number of clients, and a log of everything the guest has sent. */
export class SerialPort {
  readonly socketPath: string
  readonly #index: 0 | 1
  readonly #server: Server
  readonly #log: WriteStream
  readonly #clients = new Set<Socket>()
  #output: number[] = []
  #input: number[] = []
  #timer: NodeJS.Timeout | undefined
  #emulator: Emulator | undefined

  private constructor(index: 0 | 1, socketPath: string, logPath: string) {
    this.#index = index
    this.socketPath = socketPath
    this.#server = createServer((socket) => this.#join(socket))
    this.#log = createWriteStream(logPath, { flags: 'a', mode: 0o600 })
    // A log that cannot be written (disk full) must not stop the machine; the socket still has the output.
    this.#log.on('error', () => {})
  }

  /** @throws VivariumError about the socket. */
  static async open(index: 0 | 1, runFolder: string): Promise<SerialPort> {
    const port = new SerialPort(index, `${runFolder}/serial${index}.sock`, `${runFolder}/serial${index}.log`)
    await listenPrivately(port.#server, port.socketPath)
    return port
  }

  attach(emulator: Emulator): void {
    this.#emulator = emulator
    emulator.add_listener(`serial${this.#index}-output-byte`, (byte: number) => {
      this.#output.push(byte)
      if (this.#output.length === 1) setImmediate(() => this.#deliver())
    })
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#deliver()
    for (const socket of this.#clients) socket.end()
    this.#server.close()
    rmSync(this.socketPath, { force: true })
    await new Promise<void>((resolve) => {
      this.#log.once('error', () => resolve())
      this.#log.end(resolve)
    })
  }

  #join(socket: Socket): void {
    this.#clients.add(socket)
    socket.on('data', (bytes) => this.#type(bytes))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#clients.delete(socket))
  }

  #deliver(): void {
    if (this.#output.length === 0) return
    const bytes = Uint8Array.from(this.#output)
    this.#output = []
    this.#log.write(bytes)
    for (const socket of this.#clients) {
      if (socket.writableLength > MOST_WAITING_BYTES) socket.destroy()
      else socket.write(bytes)
    }
  }

  #type(bytes: Uint8Array): void {
    for (const byte of bytes) this.#input.push(byte)
    if (this.#timer === undefined) this.#feed()
  }

  /** Gives the guest what its UART has room for, and the rest later. */
  #feed(): void {
    this.#timer = undefined
    const emulator = this.#emulator
    const devices = emulator?.v86.cpu.devices
    const uart = this.#index === 0 ? devices?.uart0 : devices?.uart1
    if (!emulator || !uart) return
    const room = Math.max(0, UART_FIFO - uart.input.length)
    for (const byte of this.#input.splice(0, room)) emulator.bus.send(`serial${this.#index}-input`, byte)
    if (this.#input.length > 0) this.#timer = setTimeout(() => this.#feed(), PACE_MILLISECONDS)
  }
}
