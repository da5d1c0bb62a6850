import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { VivariumError } from '../../base/index.ts'
import type { VirtualServer } from '../../server/index.ts'
import { systemError } from '../../system/index.ts'
import { type RouteName, routes } from '../contract.ts'
import type { Route } from '../route.ts'
import { readBody } from './body.ts'
import { addCaptures } from './captures.ts'
import { addDiskFiles } from './disk-files.ts'
import { callerOf, expiredCookie, type Guard, sessionCookie, sessionSecret } from './guard.ts'
import { handlers } from './handlers.ts'
import { page } from './pages.ts'
import { serveSite } from './site.ts'
import { statusOf } from './status.ts'
import { addTransfers } from './transfers.ts'

export interface AppOptions {
  readonly guard: Guard
  readonly siteFolder: string
  /** Called after a session ended. */
  readonly onSignOut: () => void
}

/** The HTTP face as a function from request to response; sockets are in sockets.ts. */
export function createApp(server: VirtualServer, { guard, siteFolder, onSignOut }: AppOptions): Hono {
  const app = new Hono()
  app.onError((error, context) => answerError(context, error))
  app.use(async (context, next) => {
    const caller = callerOf((name) => context.req.header(name))
    if (!guard.isKnownHost(caller)) return context.text('Unknown host name.', 421)
    if (!guard.isOwnOrigin(caller)) return context.text('Not from this site.', 403)
    await next()
    secureHeaders(context)
  })
  addSignIn(app, server)
  app.use(async (context, next) => {
    if (guard.userOf(callerOf((name) => context.req.header(name))) !== undefined) return next()
    if (!context.req.path.startsWith('/api/')) return context.html(page('signed-out'), 401)
    throw new VivariumError('denied', 'signed-out', 'You are not signed in.', {
      next: 'Run "vivarium sign-in" for a new link.',
    })
  })
  app.get('/api/session', (context) =>
    context.json({ user: guard.userOf(callerOf((name) => context.req.header(name)))! }),
  )
  app.post('/api/sign-out', (context) => {
    const secret = sessionSecret(callerOf((name) => context.req.header(name)))
    if (secret !== undefined) server.sessions.signOut(secret)
    onSignOut()
    return context.json({ ok: true }, 200, { 'set-cookie': expiredCookie() })
  })
  for (const name of Object.keys(routes) as RouteName[]) {
    if (name in handlers) addRoute(app, server, name as keyof typeof handlers)
  }
  addPictures(app, server)
  addTransfers(app, server)
  addCaptures(app, server)
  addDiskFiles(app, server)
  app.all('/api/*', (context) => {
    throw new VivariumError(
      'not-found',
      'no-such-route',
      `There is no ${context.req.method} ${context.req.path}.`,
    )
  })
  app.get('*', (context) => serveSite(context, siteFolder))
  return app
}

function addSignIn(app: Hono, server: VirtualServer): void {
  // A link is often fetched ahead by what shows it; so the key is only used up when the page posts it.
  app.get('/sign-in', (context) => context.html(page('sign-in')))
  app.get('/sign-in.js', (context) =>
    context.body(SIGN_IN_SCRIPT, 200, { 'content-type': 'text/javascript' }),
  )
  app.post('/sign-in', async (context) => {
    const body = await readBody(context)
    const { key } = z.object({ key: z.string().max(200) }).parse(body)
    const secret = server.sessions.signIn(key)
    if (secret === undefined) {
      throw new VivariumError(
        'denied',
        'sign-in-key-used',
        'This sign-in link was used already, or is too old.',
        {
          next: 'Run "vivarium sign-in" for a new link.',
        },
      )
    }
    return context.json({ ok: true }, 200, { 'set-cookie': sessionCookie(secret) })
  })
}

/** The key is behind the # of the link: it is never sent in an address, and so in no log. */
const SIGN_IN_SCRIPT = `
const key = location.hash.slice(1)
history.replaceState(null, '', '/sign-in' + location.search)
const response = await fetch('/sign-in', {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ key }),
})
const to = new URLSearchParams(location.search).get('to') ?? '/'
if (response.ok) location.replace(/^\\/(?!\\/)/.test(to) ? to : '/')
else {
  const { error } = await response.json().catch(() => ({ error: { message: 'The server did not answer.' } }))
  document.getElementById('message').textContent = [error.message, error.next].filter(Boolean).join(' ')
}
`

function addRoute(app: Hono, server: VirtualServer, name: keyof typeof handlers): void {
  const route: Route = routes[name]
  const handler = handlers[name] as (server: VirtualServer, input: unknown) => unknown
  app.on(route.method.toUpperCase(), route.path.replace(/\{(\w+)\}/g, ':$1'), async (context) => {
    const rest = route.method === 'get' ? context.req.query() : await readBody(context)
    const input = route.input.safeParse({ ...rest, ...context.req.param() })
    if (!input.success) throw invalidInput(input.error)
    return context.json((await handler(server, input.data)) as object)
  })
}

function addPictures(app: Hono, server: VirtualServer): void {
  app.get('/api/machines/:id/thumbnail.png', (context) =>
    answerPicture(
      context,
      server.machines.get(context.req.param('id')).thumbnailPng,
      'private, max-age=31536000',
    ),
  )
  app.get('/api/machines/:id/screen.png', async (context) =>
    answerPicture(context, await server.machines.get(context.req.param('id')).screenPng(), 'no-store'),
  )
}

function answerPicture(context: Context, png: Uint8Array | undefined, caching: string): Response {
  if (png === undefined) {
    throw new VivariumError('not-found', 'no-picture', 'There is no picture of this machine now.', {
      next: 'Turn it on.',
    })
  }
  return context.body(png as Uint8Array<ArrayBuffer>, 200, {
    'content-type': 'image/png',
    'cache-control': caching,
  })
}

function invalidInput(error: z.ZodError): VivariumError {
  const faults = error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
  return new VivariumError('invalid', 'invalid-input', faults.map(({ message }) => message).join('; '), {
    where: { field: faults[0]!.field },
    ...(faults.length > 1 && { faults }),
  })
}

function answerError(context: Context, error: unknown): Response {
  const known =
    error instanceof VivariumError
      ? error
      : error instanceof z.ZodError
        ? invalidInput(error)
        : systemError(error, context.req.path)
  if (known !== error && !(error instanceof z.ZodError)) console.error(error)
  const status = statusOf(known)
  // What is left of a body that nobody reads would be taken for the next request.
  if (status === 413) context.header('connection', 'close')
  return context.json({ error: known.toJSON() }, status)
}

function secureHeaders(context: Context): void {
  context.header(
    'content-security-policy',
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  )
  context.header('x-content-type-options', 'nosniff')
  context.header('referrer-policy', 'no-referrer')
  context.header('cross-origin-opener-policy', 'same-origin')
}
