import { Text } from '@mantine/core'
import { Link } from 'react-router'
import type { Adapter, NetworkSummary } from '../../../api/index.ts'
import { MoveMenu } from '../../network/move-menu.tsx'
import { adapterName } from '../../network/use-move-adapter.ts'
import classes from './networks.module.css'

interface AdapterListProps {
  readonly networks: readonly NetworkSummary[]
  readonly adapters: readonly Adapter[]
  readonly onMove: (adapter: Adapter, network: string | null) => void
}

/** The map in words: every adapter under its network, each with a menu that moves it. */
export function AdapterList({ networks, adapters, onMove }: AdapterListProps) {
  const known = new Set(networks.map(({ key }) => key))
  const loose = adapters.filter(({ network }) => network === undefined || !known.has(network))
  const groups = [
    ...networks.map(({ key, name }) => ({
      key,
      name,
      own: adapters.filter(({ network }) => network === key),
    })),
    ...(loose.length > 0 ? [{ key: '', name: 'Not connected', own: loose }] : []),
  ]
  return (
    <>
      {groups.map(({ key, name, own }) => (
        <section key={key} aria-label={name} className={classes.group}>
          <h3>{name}</h3>
          {own.length === 0 ? (
            <Text size="xs" c="dimmed">
              No machine.
            </Text>
          ) : (
            <ul className={classes.list}>
              {own.map((adapter) => (
                <li key={`${adapter.machineId} ${adapter.index}`}>
                  <div>
                    <Link to={`/machines/${adapter.machineId}`}>{adapter.machineName}</Link>
                    <small>
                      {adapterName(adapter)}
                      {adapter.mac !== undefined && ` · ${adapter.mac}`} · {adapter.isRunning ? 'on' : 'off'}
                      {key === '' && wantedText(adapter)}
                    </small>
                  </div>
                  <MoveMenu
                    adapter={adapter}
                    networks={networks}
                    onMove={(network) => onMove(adapter, network)}
                  />
                </li>
              ))}
            </ul>
          )}
        </section>
      ))}
    </>
  )
}

/** A machine of another computer names networks that are not here. */
function wantedText({ wanted }: Adapter): string {
  return wanted.kind === 'none' ? '' : ` · its file wants "${wanted.name}"`
}
