import { Button } from '@mantine/core'
import type { LinkState } from '../live/live-link.ts'
import classes from './shell.module.css'

interface BannerProps {
  readonly state: LinkState
  readonly retry: () => void
}

/** While the server is gone the page keeps what it knew, and says that it is old. */
export function ConnectionBanner({ state, retry }: BannerProps) {
  return (
    <div role="status" aria-live="polite">
      {state === 'lost' && (
        <div className={classes.banner}>
          <span style={{ flex: '1 1 300px' }}>
            The server does not answer. What you see may be old; the page goes on by itself when the server is
            back.
          </span>
          <Button size="xs" variant="white" color="dark" onClick={retry}>
            Try now
          </Button>
        </div>
      )}
    </div>
  )
}
