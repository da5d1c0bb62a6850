import type { NetworkDetails } from '../../../../api/index.ts'
import { EventLog } from '../../events/event-log.tsx'

/** What this network had to tell: servers that appeared, addresses in use, machines that claimed to be others. */
export function NetworkEvents({ network }: { readonly network: NetworkDetails }) {
  return <EventLog networkKey={network.key} />
}
