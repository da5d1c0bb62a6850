import { Page } from '../../parts/page.tsx'
import { EventLog } from './event-log.tsx'

export function Events() {
  return (
    <Page title="Events" lead="What happened, newest first. New events appear by themselves." narrow>
      <EventLog />
    </Page>
  )
}
