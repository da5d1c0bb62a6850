import { Anchor, Text } from '@mantine/core'
import { Link } from 'react-router'
import { EventList } from '../../parts/event-list.tsx'
import { Panel } from '../../parts/panel.tsx'
import { useEvents } from '../../queries.ts'

const SHOWN = 8

export function RecentEvents() {
  const events = useEvents().data?.pages[0]?.slice(0, SHOWN)
  return (
    <Panel
      title="Recent events"
      aside={
        <Anchor component={Link} to="/events" size="sm">
          All events
        </Anchor>
      }
    >
      {events?.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nothing has happened yet.
        </Text>
      ) : (
        <EventList events={events ?? []} />
      )}
    </Panel>
  )
}
