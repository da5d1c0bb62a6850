import { Center, Loader, Paper, Text } from '@mantine/core'
import type { NetworkDetails } from '../../../../api/index.ts'
import { ErrorCard } from '../../../parts/error-card.tsx'
import { EventList } from '../../../parts/event-list.tsx'
import { useEvents } from '../../../queries.ts'
import { eventsOf } from './events-of.ts'

/** What this network had to tell: servers that appeared, addresses in use, machines that claimed to be others. */
export function NetworkEvents({ network }: { readonly network: NetworkDetails }) {
  const events = useEvents()
  if (events.isPending)
    return (
      <Center mih={160}>
        <Loader aria-label="Loading the events" />
      </Center>
    )
  if (events.isError && events.data === undefined)
    return <ErrorCard title="The events cannot be listed" error={events.error} />
  const own = eventsOf(events.data?.pages.flat() ?? [], network)
  return (
    <Paper p="md">
      {own.length === 0 ? (
        <Text size="sm" c="dimmed" ta="center" py="xl">
          Nothing of this network among the latest events.
        </Text>
      ) : (
        <EventList events={own} />
      )}
    </Paper>
  )
}
