import type { Emulator } from './emulator.ts'

/** Played ahead of time at most, as v86's own player in a browser does. */
const AHEAD_SECONDS = 0.2
const TICK_MILLISECONDS = 50
const DEFAULT_RATE = 22_050

/**
 * Listens to the Sound Blaster and hears nothing: takes the samples at the speed at which a loudspeaker would. Without
 * a listener the card never gets through its first block, and a guest that waits for its end waits for ever.
 */
export class SilentSpeaker {
  #timer: NodeJS.Timeout | undefined
  #rate = DEFAULT_RATE
  #playedUntil = 0

  attach(emulator: Emulator): void {
    const now = () => performance.now() / 1000
    emulator.bus.send('speaker-has-initialized')
    emulator.add_listener('dac-tell-sampling-rate', (rate: number) => {
      this.#rate = rate
    })
    emulator.add_listener('dac-send-data', ([left]: [Float32Array]) => {
      this.#playedUntil = Math.max(now(), this.#playedUntil) + left.length / this.#rate
    })
    const ask = () => {
      if (!emulator.is_running()) return
      // Each request brings one block; an empty answer ends the loop.
      for (let before = -1; this.#playedUntil - now() < AHEAD_SECONDS && before !== this.#playedUntil; ) {
        before = this.#playedUntil
        emulator.bus.send('dac-request-data')
      }
    }
    emulator.add_listener('dac-enable', () => {
      this.#timer ??= setInterval(ask, TICK_MILLISECONDS)
    })
    emulator.add_listener('dac-disable', () => this.stop())
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
