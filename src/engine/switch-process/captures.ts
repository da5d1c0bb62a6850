import { rmSync } from 'node:fs'
import net from 'node:net'
import { isAbsolute, join } from 'node:path'
import type { z } from 'zod'
import { VivariumError } from '../../base/index.ts'
import { Capture, type CaptureFilter, type CaptureStatus, type VirtualNetwork } from '../../network/index.ts'
import { listenPrivately } from '../../system/index.ts'
import { CaptureFileWriter } from './capture-file.ts'
import type { captureToFileSchema, captureToSocketSchema } from './control.ts'

/**
 * The captures of a switch process. To a file, or over a Unix socket to whoever connects:
 *
 *     FOLDER/KEY.capture    all frames of network KEY, to each reader from when it connects
 *     FOLDER/ID.filtered    a filtered capture, for the one reader that it was made for
 */

/** What may wait for a slow reader before frames are lost. */
const QUEUE_BYTES = 4 * 1024 * 1024
/** Whoever asked for a socket connects soon, or it is closed. */
const UNUSED_MS = 60_000

interface RunningCapture {
  readonly id: number
  readonly network: string
  readonly capture: Capture
  readonly startedAt: Date
  readonly path?: string
  readonly stop: () => Promise<void>
}

export class Captures {
  readonly #folder: string
  readonly #running = new Map<number, RunningCapture>()
  #nextId = 1

  constructor(folder: string) {
    this.#folder = folder
  }

  status(): CaptureStatus[] {
    return [...this.#running.values()].map(({ id, network, startedAt, path, capture }) => ({
      id,
      network,
      ...(path !== undefined && { path }),
      startedAt: startedAt.toISOString(),
      ...capture.counts,
    }))
  }

  /** @throws VivariumError when the file cannot be made. */
  async toFile(
    network: VirtualNetwork,
    { filter, file }: z.output<typeof captureToFileSchema>,
  ): Promise<number> {
    if (!isAbsolute(file.path))
      throw new VivariumError('invalid', 'capture-path', 'The path of a capture is absolute.', {
        where: { path: file.path },
        next: 'Begin it with a slash.',
      })
    const writer = await CaptureFileWriter.open(file)
    const id = this.#nextId++
    const end = () => {
      this.#running.delete(id)
      capture.close()
      return writer.close()
    }
    const capture = new Capture(network, filter, microseconds, (bytes) => writer.write(bytes))
    writer.onEnd = () => void end()
    this.#add(id, network, capture, end, file.path)
    return id
  }

  /** @returns the path of the socket */
  async toSocket(
    network: VirtualNetwork,
    { filter }: z.output<typeof captureToSocketSchema>,
  ): Promise<string> {
    const path = join(this.#folder, `${this.#nextId++}.filtered`)
    const listener = net.createServer((reader) => {
      shut()
      this.#serve(network, filter, reader)
    })
    const shut = () => {
      clearTimeout(timer)
      listener.close()
      rmSync(path, { force: true })
    }
    const timer = setTimeout(shut, UNUSED_MS)
    await listenPrivately(listener, path)
    return path
  }

  /** A socket that captures for each reader. */
  listener(network: VirtualNetwork): net.Server {
    return net.createServer((reader) => this.#serve(network, {}, reader))
  }

  /** Resolves when its file is complete. @throws VivariumError kind `not-found` */
  async stop(id: number): Promise<void> {
    const found = this.#running.get(id)
    if (found === undefined)
      throw new VivariumError('not-found', 'no-such-capture', 'This capture does not run any more.', {
        next: 'Its file, if it had one, is complete.',
      })
    await found.stop()
  }

  async stopAll(network?: string): Promise<void> {
    const ending = [...this.#running.values()].filter(
      (one) => network === undefined || one.network === network,
    )
    await Promise.all(ending.map(({ stop }) => stop()))
  }

  #serve(network: VirtualNetwork, filter: CaptureFilter, reader: net.Socket): void {
    const id = this.#nextId++
    const capture = new Capture(network, filter, microseconds, (bytes) => {
      if (!reader.writable || reader.writableLength + bytes.length > QUEUE_BYTES) return 'no-room'
      reader.write(bytes)
      return 'taken'
    })
    const end = () => {
      if (this.#running.delete(id)) capture.close()
      reader.end()
      return Promise.resolve()
    }
    // What a reader says is not listened to, but its end is.
    reader.resume()
    reader.on('error', () => undefined)
    reader.on('close', () => void end())
    this.#add(id, network, capture, end)
  }

  #add(
    id: number,
    network: VirtualNetwork,
    capture: Capture,
    stop: RunningCapture['stop'],
    path?: string,
  ): void {
    const { key } = network.config
    const running = { id, network: key, capture, startedAt: new Date(), stop }
    this.#running.set(id, path === undefined ? running : { ...running, path })
  }
}

function microseconds(): number {
  return performance.timeOrigin + performance.now()
}
