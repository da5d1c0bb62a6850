import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { NetworkDetails } from '../../../../api/index.ts'
import { Facts } from '../../../parts/facts.tsx'
import { Panel } from '../../../parts/panel.tsx'
import { serviceName, wordsOf } from '../network-words.ts'

/** The state of every service as the network tells it; leases and names have pages of their own. */
export function ServicePanels({ status }: { readonly status: NonNullable<NetworkDetails['status']> }) {
  const services = Object.entries(status.services)
  return (
    <>
      {services.map(([name, state]) => (
        <Panel key={name} title={serviceName(name)}>
          <StateFacts state={withoutTables(state)} />
        </Panel>
      ))}
      {status.nat !== undefined && (
        <Panel title="NAT">
          <StateFacts state={status.nat} />
        </Panel>
      )}
    </>
  )
}

/** Shown as tables under Leases and Names. */
function withoutTables(state: object): object {
  const {
    leases: _leases,
    records: _records,
    registrations: _registrations,
    ...rest
  } = state as Record<string, unknown>
  return rest
}

function StateFacts({ state }: { readonly state: object }) {
  return (
    <Facts
      of={Object.fromEntries(Object.entries(state).map(([name, value]) => [wordsOf(name), shown(value)]))}
    />
  )
}

const SHOWN_ROWS = 12

/** Any state of any service, readable: numbers as a row, lists of things one under the other. */
function shown(value: unknown): ReactNode | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) {
    if (value.length === 0) return 'none'
    return (
      <>
        {value.slice(-SHOWN_ROWS).map((one, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: what a service lists has no identity of its own
          <div key={index}>{line(one)}</div>
        ))}
        {value.length > SHOWN_ROWS && (
          <Text size="xs" c="dimmed">
            the latest {SHOWN_ROWS} of {value.length}
          </Text>
        )}
      </>
    )
  }
  // Counters that are all at zero leave nothing to say.
  return line(value) || 'none'
}

function line(value: unknown): string {
  if (Array.isArray(value)) return value.map(line).join(', ')
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .filter(([, part]) => part !== undefined && part !== 0)
    .map(([name, part]) => `${wordsOf(name).toLowerCase()} ${line(part)}`)
    .join(' · ')
}
