import RFB from '@novnc/novnc'
import { type RefObject, useEffect, useRef, useState } from 'react'
import { consoleUrl } from '../../client.ts'
import { backoffMs } from '../../live/backoff.ts'
import type { Connection } from './screen-state.ts'

interface ScreenOptions {
  readonly id: string
  /** There is an engine to connect to. */
  readonly on: boolean
  /** Changes with every run, so that a machine that was turned off and on is connected anew. */
  readonly run: string | undefined
  /** Fit the window; otherwise one pixel a pixel, with scroll bars. */
  readonly scale: boolean
  readonly viewOnly: boolean
}

/** noVNC in `target`: connects while the machine is on, again after every loss, and lets go when it is off. */
export function useScreen(target: RefObject<HTMLDivElement | null>, options: ScreenOptions) {
  const { id, on, run, scale, viewOnly } = options
  const [connection, setConnection] = useState<Connection>('none')
  const [attempt, setAttempt] = useState(0)
  const failures = useRef(0)
  const rfb = useRef<RFB>(undefined)
  const settings = useRef({ scale, viewOnly })
  settings.current = { scale, viewOnly }

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new run and a new attempt are reasons to connect
  useEffect(() => {
    if (!on || target.current === null) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const screen = new RFB(target.current, consoleUrl(id), { shared: true })
    rfb.current = screen
    screen.background = 'transparent'
    screen.scaleViewport = settings.current.scale
    screen.viewOnly = settings.current.viewOnly
    setConnection(attempt === 0 ? 'connecting' : 'lost')
    screen.addEventListener('connect', () => {
      failures.current = 0
      setConnection('connected')
      screen.focus({ preventScroll: true })
    })
    let ended = false
    screen.addEventListener('disconnect', () => {
      ended = true
      if (rfb.current !== screen) return
      failures.current++
      setConnection('lost')
      timer = setTimeout(() => setAttempt((count) => count + 1), backoffMs(failures.current))
    })
    return () => {
      clearTimeout(timer)
      rfb.current = undefined
      if (!ended) screen.disconnect()
      setConnection('none')
    }
  }, [id, on, run, attempt, target])

  useEffect(() => {
    if (rfb.current === undefined) return
    rfb.current.scaleViewport = scale
    rfb.current.viewOnly = viewOnly
  }, [scale, viewOnly])

  return { connection, rfb }
}
