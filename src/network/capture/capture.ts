import { readUint32 } from '../addresses.ts'
import { LENGTH_BYTES, MAXIMUM_FRAME_BYTES } from '../framing.ts'
import type { SwitchTap } from '../switch.ts'
import { type FramePredicate, framePredicate } from './filter.ts'
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  type PacketDirection,
  sectionHeader,
} from './pcapng.ts'
import type { CaptureFilter } from './settings.ts'

/**
 * Records the frames of a network as pcapng while they pass, every port an interface. Without a port in the filter
 * each frame is there once, where it entered; with one, both ways of that port.
 *
 * It never holds the switch up: what its sink has no room for is lost, and the file says how many that were.
 */
export interface CaptureSource {
  tap(listener: SwitchTap): () => void
}

/** Takes bytes, all or none of them. `new-file`: nothing was taken, and a new file waits for its beginning. */
export type CaptureSink = (bytes: Uint8Array) => 'taken' | 'no-room' | 'new-file'

interface CaptureInterface {
  readonly id: number
  received: number
  dropped: number
}

const APPLICATION = 'Vivarium'

export class Capture {
  readonly #filter: CaptureFilter
  readonly #wanted: FramePredicate
  readonly #snapLength: number
  readonly #now: () => number
  readonly #sink: CaptureSink
  readonly #interfaces = new Map<number, CaptureInterface>()
  readonly #untap: () => void
  #framesCaptured = 0
  #bytesCaptured = 0
  #framesDropped = 0
  /** Since the last packet that got through. */
  #droppedLately = 0

  /** @param now milliseconds since 1970; with fractions the file has microseconds */
  constructor(source: CaptureSource, filter: CaptureFilter, now: () => number, sink: CaptureSink) {
    this.#filter = filter
    this.#wanted = framePredicate(filter)
    this.#snapLength = filter.snapLength ?? MAXIMUM_FRAME_BYTES
    this.#now = now
    this.#sink = sink
    this.#begin()
    this.#untap = source.tap((port, direction, run) => this.#record(port, direction, run))
  }

  get counts(): { framesCaptured: number; bytesCaptured: number; framesDropped: number } {
    return {
      framesCaptured: this.#framesCaptured,
      bytesCaptured: this.#bytesCaptured,
      framesDropped: this.#framesDropped,
    }
  }

  /** Whatever follows can be read without what was before. */
  #begin(): void {
    this.#interfaces.clear()
    this.#write(sectionHeader(APPLICATION))
  }

  /** Ends it; the statistics of the interfaces come last. */
  close(): void {
    this.#untap()
    const time = this.#now()
    for (const { id, received, dropped } of this.#interfaces.values())
      this.#write(interfaceStatistics(id, time, received, dropped))
  }

  #record(port: { readonly id: number; readonly name: string }, direction: PacketDirection, run: Uint8Array) {
    const wantedPort = this.#filter.port
    if (wantedPort === undefined ? direction === 'sent' : port.name !== wantedPort) return
    const time = this.#now()
    for (let at = 0; at < run.length; ) {
      const length = readUint32(run, at)
      const frame = at + LENGTH_BYTES
      if (this.#wanted(run, frame, length))
        this.#recordFrame(port, direction, time, run.subarray(frame, frame + length))
      at = frame + length
    }
  }

  #recordFrame(
    port: { readonly id: number; readonly name: string },
    direction: PacketDirection,
    time: number,
    frame: Uint8Array,
  ): void {
    let result = this.#try(port, direction, time, frame)
    if (result === 'new-file') {
      this.#begin()
      result = this.#try(port, direction, time, frame)
    }
    const at = this.#interfaces.get(port.id)
    if (at !== undefined) at.received++
    if (result === 'taken') {
      this.#framesCaptured++
      this.#droppedLately = 0
      return
    }
    if (at !== undefined) at.dropped++
    this.#framesDropped++
    this.#droppedLately++
  }

  #try(
    port: { readonly id: number; readonly name: string },
    direction: PacketDirection,
    time: number,
    frame: Uint8Array,
  ): ReturnType<CaptureSink> {
    let at = this.#interfaces.get(port.id)
    if (at === undefined) {
      const declared = this.#write(interfaceDescription(port.name, this.#snapLength))
      if (declared !== 'taken') return declared
      at = { id: this.#interfaces.size, received: 0, dropped: 0 }
      this.#interfaces.set(port.id, at)
    }
    const packet = { interfaceId: at.id, time, direction, frame, snapLength: this.#snapLength }
    return this.#write(enhancedPacket({ ...packet, dropped: this.#droppedLately }))
  }

  #write(bytes: Uint8Array): ReturnType<CaptureSink> {
    const result = this.#sink(bytes)
    if (result === 'taken') this.#bytesCaptured += bytes.length
    return result
  }
}
