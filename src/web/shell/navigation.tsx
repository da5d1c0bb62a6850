import {
  IconAdjustments,
  IconBell,
  IconCirclePlus,
  IconDatabasePlus,
  IconFileImport,
  IconLayoutDashboard,
  IconListCheck,
  IconServer2,
  IconTopologyBus,
  IconZoomScan,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { NavLink } from 'react-router'
import { isActive } from '../live/live-cache.ts'
import { useTasks } from '../queries.ts'
import classes from './shell.module.css'

interface Item {
  readonly to: string
  readonly label: string
  readonly icon: ReactNode
}

/** The sections of Virtual Server's Administration Website. */
const GROUPS: readonly { readonly title: string; readonly items: readonly Item[] }[] = [
  {
    title: 'Virtual Machines',
    items: [
      { to: '/', label: 'Master Status', icon: <IconLayoutDashboard size={18} /> },
      { to: '/machines/create', label: 'Create', icon: <IconCirclePlus size={18} /> },
      { to: '/machines/add', label: 'Add', icon: <IconFileImport size={18} /> },
    ],
  },
  {
    title: 'Virtual Disks',
    items: [
      { to: '/disks/create', label: 'Create', icon: <IconDatabasePlus size={18} /> },
      { to: '/disks/inspect', label: 'Inspect', icon: <IconZoomScan size={18} /> },
    ],
  },
  {
    title: 'Virtual Networks',
    items: [
      { to: '/networks/create', label: 'Create', icon: <IconCirclePlus size={18} /> },
      { to: '/networks/add', label: 'Add', icon: <IconFileImport size={18} /> },
      { to: '/networks/configure', label: 'Configure', icon: <IconAdjustments size={18} /> },
      { to: '/networks', label: 'View All', icon: <IconTopologyBus size={18} /> },
    ],
  },
  {
    title: 'Virtual Server',
    items: [
      { to: '/tasks', label: 'Tasks', icon: <IconListCheck size={18} /> },
      { to: '/events', label: 'Events', icon: <IconBell size={18} /> },
      { to: '/computer', label: 'Computer', icon: <IconServer2 size={18} /> },
    ],
  },
]

export function Navigation({ onNavigate }: { readonly onNavigate: () => void }) {
  const running = useTasks().data?.filter(isActive).length ?? 0
  return (
    <>
      {GROUPS.map((group) => (
        <div key={group.title}>
          <div className={classes.group}>{group.title}</div>
          <ul className={classes.list}>
            {group.items.map((item) => (
              <li key={item.to}>
                <NavLink
                  className={classes.link}
                  to={item.to}
                  end={item.to === '/' || item.to === '/networks'}
                  onClick={onNavigate}
                >
                  {item.icon}
                  {item.label}
                  {item.to === '/tasks' && running > 0 && (
                    <span className={classes.count} role="img" aria-label={`${running} running`}>
                      {running}
                    </span>
                  )}
                </NavLink>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </>
  )
}
