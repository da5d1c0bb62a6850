import { type ErrorKind, VivariumError } from '../base/index.ts'
import { type Input, type Output, type RouteName, routes } from './contract.ts'
import { errorRecordSchema } from './error-schema.ts'
import type { Route } from './route.ts'

export interface ClientOptions {
  /** "http://127.0.0.1:1024"; empty in the site, which talks to where it came from. */
  readonly base?: string
  /** Bearer token of the command line; the site has its cookie. */
  readonly token?: string
}

export type Client = <Name extends RouteName>(name: Name, input: Input<Name>) => Promise<Output<Name>>

/**
 * A function that calls any route of the contract by its name. Answers are checked against the contract.
 * @throws VivariumError as the server said it; kind `unavailable` when no server answers.
 */
export function createClient(options: ClientOptions = {}): Client {
  return async (name, input) => {
    const route: Route = routes[name]
    const request = buildRequest(route, input as Record<string, unknown>)
    const headers: Record<string, string> = { accept: 'application/json' }
    if (request.body !== undefined) headers['content-type'] = 'application/json'
    if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`
    const response = await reach(`${options.base ?? ''}${request.path}`, {
      method: route.method.toUpperCase(),
      headers,
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    })
    const body: unknown = await response.json().catch(() => undefined)
    if (!response.ok) throw errorFrom(response.status, body)
    return route.output.parse(body) as Output<typeof name>
  }
}

/** Puts the input's fields where the route wants them: path, then query (get) or body. */
function buildRequest(route: Route, input: Record<string, unknown>): { path: string; body?: unknown } {
  const rest = { ...input }
  const path = route.path.replace(/\{(\w+)\}/g, (_, field: string) => {
    const value = rest[field]
    delete rest[field]
    return encodeURIComponent(String(value))
  })
  if (route.method !== 'get') return { path, body: rest }
  const query = new URLSearchParams()
  for (const [field, value] of Object.entries(rest)) if (value !== undefined) query.set(field, String(value))
  return { path: query.size > 0 ? `${path}?${query}` : path }
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (cause) {
    throw new VivariumError('unavailable', 'server-not-reached', `No Vivarium server answers at ${url}.`, {
      next: 'Start one with "vivarium serve" (or "npm start" in a checkout).',
      cause,
    })
  }
}

/** The same for an answer that did not come through this client. */
export function errorOf(status: number, text: string): VivariumError {
  try {
    return errorFrom(status, JSON.parse(text))
  } catch {
    return errorFrom(status, undefined)
  }
}

function errorFrom(status: number, body: unknown): VivariumError {
  const parsed = errorRecordSchema.safeParse((body as { error?: unknown } | undefined)?.error)
  if (!parsed.success) {
    const kind: ErrorKind = status === 401 || status === 403 ? 'denied' : 'io'
    return new VivariumError(kind, `http-${status}`, `The server answered ${status} without saying why.`)
  }
  const { kind, code, message, ...details } = parsed.data
  return new VivariumError(kind, code, message, details)
}
