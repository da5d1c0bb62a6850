import type { ReactNode } from 'react'
import type { MachineSummary } from '../../../api/index.ts'
import { formatSize, MiB } from '../../../base/index.ts'
import { STATES } from '../../machine/machine-states.ts'
import { useHost } from '../../queries.ts'
import classes from './machines.module.css'

/** The computer in one line: what the machines use and what is left. */
export function HostStrip({ machines }: { readonly machines: readonly MachineSummary[] }) {
  const host = useHost().data
  const on = machines.filter((machine) => STATES[machine.state].on)
  const memory = on.reduce((sum, machine) => sum + machine.memoryMB, 0) * MiB
  const cpu = on.reduce((sum, machine) => sum + machine.cpuPercent, 0)
  const cores = host?.logicalProcessors ?? 1
  const engines = host?.engines.filter((engine) => engine.available).map((engine) => ENGINES[engine.name])
  return (
    <dl className={classes.strip} aria-label="This computer">
      <Stat name="Turned on" value={on.length} of={`of ${machines.length}`} />
      <Stat name="CPU in use" value={`${Math.round(cpu / cores)} %`} of={`of ${cores} cores`} />
      <Stat
        name="Memory in use"
        value={memory === 0 ? '0' : formatSize(memory)}
        of={host && `${formatSize(host.freeMemoryBytes)} free`}
      />
      <Stat name="Free disk space" value={host ? formatSize(host.freeDiskBytes) : '…'} of="for the library" />
      <Stat name="Engines" value={engines?.join(', ') || (host ? 'none' : '…')} />
    </dl>
  )
}

const ENGINES = { v86: 'v86', qemu: 'QEMU' } as const

function Stat({ name, value, of }: { name: string; value: ReactNode; of?: ReactNode }) {
  return (
    <div className={classes.stat}>
      <dt>{name}</dt>
      <dd>
        {value} <small>{of}</small>
      </dd>
    </div>
  )
}
