import { IconAlertTriangle, IconCircleX, IconInfoCircle } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { ServerEvent } from '../../api/index.ts'
import classes from './event-list.module.css'
import { Ago } from './times.tsx'

const ICONS = {
  info: <IconInfoCircle size={18} color="var(--mantine-color-fern-6)" aria-label="Information" />,
  warning: <IconAlertTriangle size={18} color="var(--mantine-color-amber-7)" aria-label="Warning" />,
  error: <IconCircleX size={18} color="var(--mantine-color-red-6)" aria-label="Error" />,
} as const satisfies Record<ServerEvent['severity'], ReactNode>

export function EventList({ events }: { readonly events: readonly ServerEvent[] }) {
  return (
    <ul className={classes.list}>
      {events.map((event) => (
        <li key={event.id} className={classes.event}>
          {ICONS[event.severity]}
          <div>
            <div className={classes.message}>{event.message}</div>
            <div className={classes.when}>
              <Ago time={event.time} /> · {event.source}
              {event.machineId !== undefined && event.machineName !== undefined && (
                <>
                  {' · '}
                  <Link to={`/machines/${event.machineId}`} style={{ color: 'inherit' }}>
                    {event.machineName}
                  </Link>
                </>
              )}
            </div>
          </div>
        </li>
      ))}
    </ul>
  )
}
