import { ActionIcon, AppShell, Burger, Center, Loader, Tooltip, useMantineColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconLogout, IconMoon, IconSun } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Suspense, useEffect } from 'react'
import { Link, Outlet, useLocation } from 'react-router'
import { call } from '../client.ts'
import { LinkStateContext, useLiveLink } from '../live/use-live.ts'
import { Sprout } from '../parts/logo.tsx'
import { useHost } from '../queries.ts'
import { Boundary } from './boundary.tsx'
import { ConnectionBanner } from './connection-banner.tsx'
import { Navigation } from './navigation.tsx'
import classes from './shell.module.css'

/** What is around every page: the navigation, the live link, and the banner when the server is gone. */
export function Shell({ user }: { readonly user: string }) {
  const [opened, { toggle, close }] = useDisclosure(false)
  const link = useLiveLink()
  const { pathname } = useLocation()
  return (
    <LinkStateContext value={link.state}>
      <a className="skip-link" href="#content">
        Skip to the page
      </a>
      <AppShell
        padding={{ base: 'md', md: 'lg' }}
        header={{ height: { base: 54, sm: 0 } }}
        navbar={{ width: { sm: 212, lg: 236 }, breakpoint: 'sm', collapsed: { mobile: !opened } }}
        withBorder={false}
      >
        <AppShell.Header className={classes.header} hiddenFrom="sm">
          <Burger opened={opened} onClick={toggle} color="#fff" size="sm" aria-label="Navigation" />
          <Sprout size={26} />
          <strong>Vivarium</strong>
        </AppShell.Header>
        <AppShell.Navbar className={classes.nav} aria-label="Main">
          <Brand />
          <AppShell.Section grow style={{ overflowY: 'auto' }}>
            <Navigation onNavigate={close} />
          </AppShell.Section>
          <Foot user={user} />
        </AppShell.Navbar>
        <AppShell.Main id="content" tabIndex={-1} style={{ outline: 'none' }}>
          <ConnectionBanner state={link.state} retry={link.retry} />
          <Boundary key={pathname.split('/', 3).join('/')}>
            <Suspense fallback={<Waiting />}>
              <Outlet />
            </Suspense>
          </Boundary>
        </AppShell.Main>
      </AppShell>
    </LinkStateContext>
  )
}

function Waiting() {
  return (
    <Center mih={240}>
      <Loader aria-label="Loading the page" />
    </Center>
  )
}

function Brand() {
  const host = useHost().data
  return (
    <Link to="/" className={classes.brand}>
      <Sprout size={34} />
      <span>
        Vivarium
        <small>{host === undefined ? ' ' : host.hostName}</small>
      </span>
    </Link>
  )
}

function Foot({ user }: { readonly user: string }) {
  const cache = useQueryClient()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const dark = colorScheme === 'dark' || (colorScheme === 'auto' && prefersDark())
  const signOut = useMutation({
    mutationFn: () => call('signOut', {}),
    onSuccess: () => cache.resetQueries(),
  })
  useEffect(() => {
    // The address bar of a phone has the colour of the navigation.
    document.querySelector('meta[name="theme-color"]')?.setAttribute('content', dark ? '#0f2119' : '#143d2e')
  }, [dark])
  return (
    <div className={classes.foot}>
      <span className="one-line" style={{ flex: 1 }}>
        {user}
      </span>
      <Tooltip label={dark ? 'Light colours' : 'Dark colours'}>
        <ActionIcon
          variant="transparent"
          aria-label={dark ? 'Light colours' : 'Dark colours'}
          onClick={() => setColorScheme(dark ? 'light' : 'dark')}
        >
          {dark ? <IconSun size={18} /> : <IconMoon size={18} />}
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Sign out">
        <ActionIcon variant="transparent" aria-label="Sign out" onClick={() => signOut.mutate()}>
          <IconLogout size={18} />
        </ActionIcon>
      </Tooltip>
    </div>
  )
}

function prefersDark(): boolean {
  return window.matchMedia('(prefers-color-scheme: dark)').matches
}
