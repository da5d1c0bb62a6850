import type { TcpConnection, TcpHandlers } from '../../tcp/connection.ts'
import { HttpAnswer, type HttpSurroundings } from './answer.ts'
import { HttpRequestReader } from './request.ts'

/**
 * One connection of the boot folder's HTTP server: one request after the other, each answered before the next is
 * looked at. Meanwhile the peer's window fills, and it has to wait.
 */

/** For a whole request to come. */
const IDLE_MS = 15_000

export function httpSession(connection: TcpConnection, surroundings: HttpSurroundings): TcpHandlers {
  const reader = new HttpRequestReader()
  let answer: HttpAnswer | undefined
  let hasEnded = false
  let stopWaiting: (() => void) | undefined

  function waitForRequest(): void {
    stopWaiting?.()
    stopWaiting = surroundings.clock.after(IDLE_MS, () => connection.end())
  }

  function goOn(): void {
    const request = answer === undefined ? reader.next() : undefined
    if (request === undefined) return
    stopWaiting?.()
    connection.pause()
    answer = new HttpAnswer(connection, surroundings, request)
    void answer.run().then(answered)
  }

  function answered(keepsAlive: boolean): void {
    const wasClosed = answer?.isClosed
    answer = undefined
    if (wasClosed) return
    connection.resume()
    if (keepsAlive && !hasEnded) waitForRequest()
    else connection.end()
    if (keepsAlive) goOn()
  }

  waitForRequest()
  return {
    data(bytes) {
      reader.add(bytes)
      goOn()
    },
    drained: () => answer?.drained(),
    ended() {
      hasEnded = true
      // What was asked for before is still answered.
      if (answer === undefined) connection.end()
    },
    closed() {
      stopWaiting?.()
      answer?.close()
    },
  }
}
