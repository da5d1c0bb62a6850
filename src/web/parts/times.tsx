import { Tooltip } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import type { MachineSummary } from '../../api/index.ts'
import { STATES } from '../machine/machine-states.ts'
import { formatAgo, formatDuration, formatWhen } from './format.ts'

/** A moment, by its distance from now; the exact time on hover. */
export function Ago({ time }: { readonly time: string }) {
  const now = useNow(20_000)
  return (
    <Tooltip label={formatWhen(time)}>
      <time dateTime={time}>{formatAgo(time, now)}</time>
    </Tooltip>
  )
}

/** Counts on between the server's messages, so that the seconds run evenly. */
export function Uptime({ machine }: { readonly machine: MachineSummary }) {
  const now = useNow(1_000).getTime()
  const base = useRef({ seconds: machine.uptimeSeconds, at: Date.now() })
  if (base.current.seconds !== machine.uptimeSeconds)
    base.current = { seconds: machine.uptimeSeconds, at: Date.now() }
  if (!STATES[machine.state].on) return <>—</>
  const passed = machine.state === 'Running' ? Math.max(0, now - base.current.at) / 1000 : 0
  return <>{formatDuration(machine.uptimeSeconds + passed)}</>
}

export function useNow(everyMs: number): Date {
  const [now, setNow] = useState(() => new Date())
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}
