import { Anchor } from '@mantine/core'
import { Link } from 'react-router'
import { Empty } from '../parts/empty.tsx'
import { useDocumentTitle } from '../parts/page.tsx'

export function NotFound() {
  useDocumentTitle('Not found')
  return (
    <Empty title="There is no such page">
      The address may be old.{' '}
      <Anchor component={Link} to="/">
        Master Status
      </Anchor>{' '}
      shows everything there is.
    </Empty>
  )
}
