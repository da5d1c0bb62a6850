import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from './programs.ts'

/** What the host's own apt says about mirrors and how to reach them. */

const DEFAULT_MIRROR = 'http://deb.debian.org/debian'
const APT_FOLDER = '/etc/apt'

/** An archive of packages as sources.list(5) writes it. */
export interface AptSource {
  readonly uri: string
  readonly suite: string
}

/** The first mirror of Debian proper in the host's sources; deb.debian.org where there is none. */
export function hostMirror(): string {
  const sources = sourceFiles().flatMap(({ name, text }) => parseSources(name, text))
  const debian = sources.find(({ uri, suite }) => /\/debian\/?$/.test(uri) && /^[a-z]+$/.test(suite))
  return debian?.uri.replace(/\/$/, '') ?? DEFAULT_MIRROR
}

function sourceFiles(): { name: string; text: string }[] {
  const folder = join(APT_FOLDER, 'sources.list.d')
  const names = [
    join(APT_FOLDER, 'sources.list'),
    ...attempt(() => readdirSync(folder).sort(), []).map((name) => join(folder, name)),
  ]
  return names.map((name) => ({ name, text: attempt(() => readFileSync(name, 'utf8'), '') }))
}

/** Hints only: what cannot be read counts as not there. */
function attempt<Result>(action: () => Result, otherwise: Result): Result {
  try {
    return action()
  } catch {
    return otherwise
  }
}

/** Reads both formats of sources.list(5); only HTTP and HTTPS, since a CD or a local folder has no other suite. */
export function parseSources(name: string, text: string): AptSource[] {
  const sources = name.endsWith('.sources')
    ? parseDeb822(text)
    : name.endsWith('.list')
      ? parseOneLine(text)
      : []
  return sources.filter(({ uri }) => /^https?:\/\//.test(uri))
}

function parseOneLine(text: string): AptSource[] {
  const lines = text.matchAll(/^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/gm)
  return [...lines].map((match) => ({ uri: match[1]!, suite: match[2]! }))
}

function parseDeb822(text: string): AptSource[] {
  const stanzas = text.replace(/^#.*\n?/gm, '').split(/\n\s*\n/)
  return stanzas.flatMap((stanza) => {
    const field = (name: string) =>
      new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1]?.trim().split(/\s+/) ?? []
    if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') return []
    return field('URIs').flatMap((uri) => field('Suites').map((suite) => ({ uri, suite })))
  })
}

/** Settings that decide whether and how a mirror is reached; the rest of the host's configuration is its own affair. */
const CARRIED_OVER = /^Acquire::(https?|Retries|ForceIPv|Check-Valid-Until|Check-Date|Max-ValidTime)/i

/** Those settings as an apt.conf(5) file. */
export function hostAptSettings(): string {
  const program = findProgram('apt-config')
  if (program === undefined) return ''
  const dump = execFileSync(program, ['dump', 'Acquire'], { encoding: 'utf8' })
  return carriedOver(dump)
}

export function carriedOver(dump: string): string {
  const lines = dump.split('\n').filter((line) => CARRIED_OVER.test(line) && !/ "";$/.test(line))
  return lines.map((line) => `${line}\n`).join('')
}
