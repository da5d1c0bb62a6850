import { Button, Code, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import { describeError } from '../../base/index.ts'
import { Sprout } from '../parts/logo.tsx'
import { useDocumentTitle } from '../parts/page.tsx'
import classes from './shell.module.css'

interface DoorProps {
  readonly title: string
  readonly children: ReactNode
  readonly retry: () => unknown
}

function Door({ title, children, retry }: DoorProps) {
  useDocumentTitle(title)
  return (
    <main className={classes.door}>
      <div className={classes.doorCard}>
        <Sprout size={84} />
        <Title order={1} mt="sm" mb="xs">
          {title}
        </Title>
        {children}
        <Button mt="lg" variant="light" onClick={() => retry()}>
          Try again
        </Button>
      </div>
    </main>
  )
}

export function SignedOut({ retry }: { readonly retry: () => unknown }) {
  return (
    <Door title="Signed out" retry={retry}>
      <Text>
        Run <Code>vivarium sign-in</Code> on the computer Vivarium runs on, or use the link printed at start.
      </Text>
      <Text size="sm" c="dimmed" mt="sm">
        The link signs this browser in once; after that it is used up, and a new one is one command away.
      </Text>
    </Door>
  )
}

/** No answer at the very first question: asks again by itself until there is one. */
export function NotReached({ error, retry }: { readonly error: unknown; readonly retry: () => unknown }) {
  useEffect(() => {
    const timer = setInterval(retry, 3_000)
    return () => clearInterval(timer)
  }, [retry])
  return (
    <Door title="No server" retry={retry}>
      <Text role="alert">{describeError(error)}</Text>
    </Door>
  )
}
