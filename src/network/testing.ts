import { asciiOf } from '../base/index.ts'
import type { Clock } from './clock.ts'
import { framesOf, runOf } from './framing.ts'
import type { Connectable, SwitchPort } from './switch.ts'

/** A clock that stands until it is moved. */
export interface ScriptedClock extends Clock {
  /** What falls due meanwhile runs at its own time, in order. */
  pass(milliseconds: number): void
}

export function scriptedClock(start = Date.UTC(2005, 5, 1)): ScriptedClock {
  let time = start
  const waiting = new Set<{ readonly at: number; readonly action: () => void }>()
  const nextBefore = (end: number) =>
    [...waiting].filter(({ at }) => at <= end).sort((left, right) => left.at - right.at)[0]
  return {
    now: () => time,
    after(milliseconds, action) {
      const entry = { at: time + milliseconds, action }
      waiting.add(entry)
      return () => waiting.delete(entry)
    },
    pass(milliseconds) {
      const end = time + milliseconds
      for (let next = nextBefore(end); next !== undefined; next = nextBefore(end)) {
        waiting.delete(next)
        time = next.at
        next.action()
      }
      time = end
    },
  }
}

/** A station that keeps what it hears, frame by frame. */
export interface TestStation {
  readonly port: SwitchPort
  readonly heard: Uint8Array[]
  /** How many runs the frames came in. */
  readonly runs: number
  /** While true, its queue is full. */
  deaf: boolean
  say(...frames: readonly Uint8Array[]): void
  /** What was heard since the last look. */
  look(): Uint8Array[]
}

export function testStation(network: Connectable, name: string): TestStation {
  const heard: Uint8Array[] = []
  let runs = 0
  const station = {
    heard,
    get runs() {
      return runs
    },
    deaf: false,
    say: (...frames: readonly Uint8Array[]) => station.port.receive(runOf(...frames)),
    look: () => heard.splice(0),
    port: network.connect(name, {
      send(run) {
        if (station.deaf) return false
        runs++
        heard.push(...framesOf(run))
        return true
      },
    }),
  }
  return station
}

/** A frame between two MACs whose payload is a text; short frames stay short. */
export function textFrame(destination: number, source: number, text: string): Uint8Array {
  const bytes = new Uint8Array(14 + text.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, Math.floor(destination / 2 ** 32))
  view.setUint32(2, destination % 2 ** 32)
  view.setUint16(6, Math.floor(source / 2 ** 32))
  view.setUint32(8, source % 2 ** 32)
  view.setUint16(12, 0x88b5)
  for (let i = 0; i < text.length; i++) bytes[14 + i] = text.charCodeAt(i)
  return bytes
}

export function textOf(frame: Uint8Array): string {
  return asciiOf(frame.subarray(14))
}
