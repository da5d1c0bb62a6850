import {
  IconAlertTriangle,
  IconDeviceDesktopOff,
  IconMoon,
  IconPlayerPauseFilled,
  IconPower,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { MachineState, MachineSummary } from '../../api/index.ts'
import { thumbnailUrl } from '../client.ts'
import { STATES } from './machine-states.ts'
import classes from './thumbnail.module.css'

const COVERS: Partial<Record<MachineState, ReactNode>> = {
  Invalid: <IconAlertTriangle size="32%" stroke={1.4} />,
  TurnedOff: <IconPower size="30%" stroke={1.4} />,
  Saved: <IconMoon size="30%" stroke={1.4} />,
  Paused: <IconPlayerPauseFilled size="30%" color="#ffffffd0" />,
}

/** The machine's screen in small, live; clicking it opens the console, as in Virtual Server. */
export function Thumbnail({ machine }: { readonly machine: MachineSummary }) {
  const on = STATES[machine.state].on
  const cover =
    COVERS[machine.state] ?? (machine.thumbnail === 0 && <IconDeviceDesktopOff size="28%" stroke={1.4} />)
  return (
    <Link
      className={classes.screen}
      to={`/machines/${machine.id}/console`}
      aria-label={`Console of ${machine.name}`}
      data-on={on}
      data-state={machine.state}
    >
      {machine.thumbnail > 0 && <img src={thumbnailUrl(machine.id, machine.thumbnail)} alt="" />}
      {cover !== false && <span className={classes.cover}>{cover}</span>}
    </Link>
  )
}
