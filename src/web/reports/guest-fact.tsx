import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { DiskReport } from '../../disk/index.ts'
import { diskGuestQuery } from '../queries.ts'

const SURE = { certain: '', likely: 'probably ', hint: 'perhaps ' } as const

/** What system the disk was made for: what its first sectors say at once, and its own files a moment later. */
export function GuestFact({ report }: { readonly report: DiskReport }) {
  const asked = useQuery(diskGuestQuery(report.path))
  const guest = asked.data?.guest ?? report.guest
  if (guest === undefined) return <>{asked.isFetching ? 'looking ...' : 'not known'}</>
  return (
    <>
      {SURE[guest.confidence]}
      {guest.name}
      {guest.version !== undefined && `, ${guest.version}`}
      <Text size="xs" c="dimmed" className="path">
        {guest.evidence.join(', ')}
      </Text>
    </>
  )
}
