import { Button, Center, Group, Loader, Paper, SegmentedControl, Text } from '@mantine/core'
import { useState } from 'react'
import { plural } from '../../../base/index.ts'
import { ErrorCard } from '../../parts/error-card.tsx'
import { EventList } from '../../parts/event-list.tsx'
import { type EventsOf, useEvents } from '../../queries.ts'
import { atLeast, SEVERITIES, type Severity } from './severity.ts'

/** The event log, of everything, of one machine or of one network, page by page. */
export function EventLog(of: EventsOf) {
  const [severity, setSeverity] = useState<Severity>('info')
  const events = useEvents(of)
  if (events.isPending)
    return (
      <Center mih={160}>
        <Loader aria-label="Loading the events" />
      </Center>
    )
  if (events.isError && events.data === undefined)
    return (
      <ErrorCard title="The events cannot be listed" error={events.error} retry={() => events.refetch()} />
    )
  const loaded = events.data?.pages.flat() ?? []
  const shown = atLeast(loaded, severity)
  return (
    <Paper p="md">
      <Group justify="space-between" mb="xs" gap="xs">
        <SegmentedControl
          aria-label="Severity"
          value={severity}
          onChange={(value) => setSeverity(value as Severity)}
          data={SEVERITIES.map(({ value, label }) => ({ value, label }))}
        />
        <Text size="xs" c="dimmed" role="status">
          {shown.length === loaded.length
            ? plural(loaded.length, 'event')
            : `${shown.length} of ${plural(loaded.length, 'event')}`}
        </Text>
      </Group>
      {shown.length === 0 ? (
        <Text size="sm" c="dimmed" ta="center" py="xl">
          {loaded.length === 0 ? 'Nothing has happened yet.' : 'None of this severity so far.'}
        </Text>
      ) : (
        <EventList events={shown} />
      )}
      {events.hasNextPage && (
        <Center mt="md">
          <Button
            variant="default"
            loading={events.isFetchingNextPage}
            onClick={() => events.fetchNextPage()}
          >
            Older events
          </Button>
        </Center>
      )}
    </Paper>
  )
}
