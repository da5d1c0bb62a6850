import type { Sessions } from '../../server/index.ts'
import { canonicalHost } from './host-names.ts'

const COOKIE = 'vivarium_session'
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** The parts of a request that say who asks; HTTP requests and WebSocket upgrades both give them. */
export interface Caller {
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly cookie: string | undefined
  readonly authorization: string | undefined
}

export function callerOf(header: (name: keyof Caller) => string | undefined): Caller {
  return {
    host: header('host'),
    origin: header('origin'),
    cookie: header('cookie'),
    authorization: header('authorization'),
  }
}

/**
 * Decides who is let in. Beside the session it looks at Host, so that a foreign name that resolves to this
 * computer (DNS rebinding) gets nothing, and at Origin, so that another site's page cannot act with our cookie.
 */
export class Guard {
  readonly #sessions: Sessions
  readonly #hostNames: () => readonly string[]

  /** `hostNames`: names and addresses, without port, by which this server may be called beside localhost. */
  constructor(sessions: Sessions, hostNames: () => readonly string[]) {
    this.#sessions = sessions
    this.#hostNames = hostNames
  }

  isKnownHost(caller: Caller): boolean {
    const name = caller.host?.toLowerCase().replace(/:\d+$/, '')
    if (name === undefined) return false
    return LOOPBACK.has(name) || this.#hostNames().some((known) => canonicalHost(known) === name)
  }

  /** A browser sends Origin with every cross-site and every changing request; what has none is no browser page. */
  isOwnOrigin(caller: Caller): boolean {
    if (caller.origin === undefined) return true
    return URL.canParse(caller.origin) && new URL(caller.origin).host === caller.host
  }

  /** The user's name, or undefined when nobody is signed in. */
  userOf(caller: Caller): string | undefined {
    const token = /^Bearer (\S+)$/.exec(caller.authorization ?? '')?.[1]
    if (token !== undefined) return this.#sessions.isCliToken(token) ? 'command line' : undefined
    const secret = sessionSecret(caller)
    return secret === undefined ? undefined : this.#sessions.userOf(secret)
  }
}

export function sessionSecret(caller: Caller): string | undefined {
  return new RegExp(`(?:^|;\\s*)${COOKIE}=([\\w-]+)`).exec(caller.cookie ?? '')?.[1]
}

export function sessionCookie(secret: string): string {
  return `${COOKIE}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${30 * 24 * 3600}`
}

export function expiredCookie(): string {
  return `${COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`
}
