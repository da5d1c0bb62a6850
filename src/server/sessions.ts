import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { systemError, writeFileAtomically } from '../system/index.ts'
import type { Database } from './database.ts'
import type { EventLog } from './event-log.ts'

const KEY_SECONDS = 24 * 3600
const SESSION_SECONDS = 30 * 24 * 3600

/**
 * Who may come in: whoever holds a one-time sign-in key (printed at start, or made by `vivarium sign-in`), and
 * this user's command line by the token in the data folder. Only hashes are kept.
 */
export class Sessions {
  readonly #database: Database
  readonly #events: EventLog
  readonly #cliToken: Buffer

  constructor(database: Database, events: EventLog, cliTokenPath: string) {
    this.#database = database
    this.#events = events
    this.#cliToken = Buffer.from(readCliToken(cliTokenPath))
    this.#forgetExpired()
  }

  /** A key that signs in once, for a day. */
  newKey(): string {
    const key = randomBytes(24).toString('base64url')
    this.#database.run('INSERT INTO sign_in_keys VALUES (?, ?)', hashOf(key), seconds() + KEY_SECONDS)
    return key
  }

  /** Uses a key up; answers the secret of a new session, or undefined when the key is wrong, old or used. */
  signIn(key: string): string | undefined {
    const used = this.#database.get(
      'DELETE FROM sign_in_keys WHERE hash = ? RETURNING expires_at',
      hashOf(key),
    )
    if (used === undefined || Number(used.expires_at) < seconds()) return undefined
    const secret = randomBytes(32).toString('base64url')
    const user = userInfo().username
    this.#database.run(
      'INSERT INTO sessions VALUES (?, ?, ?)',
      hashOf(secret),
      user,
      seconds() + SESSION_SECONDS,
    )
    this.#events.add({
      severity: 'info',
      source: 'session',
      code: 'signed-in',
      message: `${user} signed in.`,
    })
    return secret
  }

  /** The user of a session, or undefined. */
  userOf(secret: string): string | undefined {
    const row = this.#database.get('SELECT user, expires_at FROM sessions WHERE hash = ?', hashOf(secret))
    return row !== undefined && Number(row.expires_at) >= seconds() ? String(row.user) : undefined
  }

  /** True for this user's command line. */
  isCliToken(token: string): boolean {
    const given = Buffer.from(token)
    return given.length === this.#cliToken.length && timingSafeEqual(given, this.#cliToken)
  }

  signOut(secret: string): void {
    this.#database.run('DELETE FROM sessions WHERE hash = ?', hashOf(secret))
  }

  #forgetExpired(): void {
    this.#database.run('DELETE FROM sign_in_keys WHERE expires_at < ?', seconds())
    this.#database.run('DELETE FROM sessions WHERE expires_at < ?', seconds())
  }
}

/** The keys have 192 random bits, so a plain hash is enough: there is nothing to guess. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

function seconds(): number {
  return Math.floor(Date.now() / 1000)
}

function readCliToken(path: string): string {
  try {
    if (existsSync(path)) {
      const token = readFileSync(path, 'utf8').trim()
      if (token.length >= 32) return token
    }
  } catch (error) {
    throw systemError(error, path)
  }
  const token = randomBytes(32).toString('base64url')
  writeFileAtomically(path, token)
  return token
}
