import { asciiOf } from '../../base/index.ts'
import type { GuestReport } from '../report.ts'
import { type HiveValues, hiveValues } from './registry-hive.ts'

/** The files of one volume, for whoever looks for a system on it. Names in either case where the system takes them. */
export interface GuestFiles {
  has(path: string): boolean
  /** The whole file; undefined when it is not there, no file, or larger than `limit` bytes. */
  read(path: string, limit: number): Promise<Uint8Array | undefined>
}

/** A hive of programs is some 10 to 100 MB. */
const MAX_HIVE_BYTES = 256 << 20
const MAX_TEXT_BYTES = 64 << 10

/** What system lies on a volume, by its own files; undefined when none is known. */
export async function guestFromFiles(files: GuestFiles): Promise<GuestReport | undefined> {
  for (const look of [windowsNt, windows9x, reactOs, linux, dos]) {
    const found = await look(files)
    if (found !== undefined) return found
  }
  return undefined
}

async function windowsNt(files: GuestFiles): Promise<GuestReport | undefined> {
  for (const folder of ['WINDOWS', 'WINNT', 'WINNT35', 'WTSRV']) {
    const path = `${folder}/system32/config/software`
    if (!files.has(path)) continue
    const hive = await files.read(path, MAX_HIVE_BYTES)
    const values = hive && hiveValues(hive, ['Microsoft', 'Windows NT', 'CurrentVersion'])
    if (values !== undefined) return windowsFrom(values, `registry of /${path}`)
    return {
      name: 'Windows NT or later',
      confidence: 'likely',
      evidence: [`/${path}, which could not be read`],
    }
  }
  return undefined
}

/** Exported for its test: the names that Windows gives itself, made into one. */
export function windowsFrom(values: HiveValues, evidence: string): GuestReport {
  const text = (name: string) => {
    const value = values.get(name.toLowerCase())
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
  }
  const version = text('CurrentVersion')
  const build = text('CurrentBuildNumber') ?? text('CurrentBuild')
  const product = text('ProductName')?.replace(/^Microsoft (?=Windows)/, '')
  // NT 4 and older have no product's name; Windows 11 still calls itself 10.
  const name = product ?? (version === undefined ? 'Windows NT' : `Windows NT ${version}`)
  const major = values.get('currentmajorversionnumber')
  const minor = values.get('currentminorversionnumber')
  const number = typeof major === 'number' ? `${major}.${typeof minor === 'number' ? minor : 0}` : version
  const parts = [
    text('DisplayVersion') ?? text('ReleaseId'),
    text('CSDVersion'),
    number !== undefined && build !== undefined ? `${number}.${build}` : number,
  ].filter((part) => part !== undefined)
  return {
    name: Number(build) >= 22_000 ? name.replace(/^Windows 10\b/, 'Windows 11') : name,
    ...(parts.length > 0 && { version: parts.join(', ') }),
    confidence: 'certain',
    evidence: [evidence],
  }
}

const WINDOWS_9X: readonly (readonly [start: string, name: string])[] = [
  ['4.90', 'Windows ME'],
  ['4.10.2222', 'Windows 98 Second Edition'],
  ['4.10', 'Windows 98'],
  ['4.03', 'Windows 95 OSR 2'],
  ['4.00', 'Windows 95'],
]

async function windows9x(files: GuestFiles): Promise<GuestReport | undefined> {
  const settings = await textOf(files, 'MSDOS.SYS')
  if (settings === undefined || !/^\[Paths\]/im.test(settings)) return undefined
  const version = /^WinVer=([\d.]+)/im.exec(settings)?.[1]
  const name = WINDOWS_9X.find(([start]) => version?.startsWith(start))?.[1]
  return {
    name: name ?? 'Windows 95, 98 or ME',
    ...(version !== undefined && { version }),
    confidence: name === undefined ? 'likely' : 'certain',
    evidence: ['/MSDOS.SYS'],
  }
}

async function reactOs(files: GuestFiles): Promise<GuestReport | undefined> {
  if (!files.has('reactos/system32')) return undefined
  return { name: 'ReactOS', confidence: 'certain', evidence: ['/reactos'] }
}

async function linux(files: GuestFiles): Promise<GuestReport | undefined> {
  // The first is usually a link to the second.
  for (const path of ['etc/os-release', 'usr/lib/os-release']) {
    const text = await textOf(files, path)
    if (text === undefined) continue
    const found = osRelease(text)
    if (found !== undefined) return { ...found, confidence: 'certain', evidence: [`/${path}`] }
  }
  const debian = await textOf(files, 'etc/debian_version')
  if (debian !== undefined) return named('Debian GNU/Linux', firstLine(debian), 'etc/debian_version')
  for (const path of [
    'etc/redhat-release',
    'etc/SuSE-release',
    'etc/slackware-version',
    'etc/gentoo-release',
  ]) {
    const line = firstLine((await textOf(files, path)) ?? '')
    const match = /^(.*?)(?: release)? ([\d.]+)/.exec(line)
    if (line !== '') return named(match?.[1] ?? line, match?.[2], path)
  }
  const isLinux = files.has('etc/fstab') && files.has('sbin/init')
  return isLinux ? { name: 'Linux', confidence: 'likely', evidence: ['/etc/fstab'] } : undefined
}

/** os-release(5): lines of NAME=value, quoted as a shell has it. */
function osRelease(text: string): { name: string; version?: string } | undefined {
  const value = (key: string) =>
    new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(text)?.[1]?.trim().slice(0, 200) || undefined
  const name = value('NAME') ?? value('PRETTY_NAME')
  const version = value('VERSION') ?? value('VERSION_ID')
  return name === undefined ? undefined : { name, ...(version !== undefined && { version }) }
}

function named(name: string, version: string | undefined, path: string): GuestReport {
  return {
    name,
    ...(version !== undefined && version !== '' && { version }),
    confidence: 'certain',
    evidence: [`/${path}`],
  }
}

async function dos(files: GuestFiles): Promise<GuestReport | undefined> {
  if (!files.has('COMMAND.COM')) return undefined
  if (files.has('KERNEL.SYS')) return { name: 'FreeDOS', confidence: 'certain', evidence: ['/KERNEL.SYS'] }
  if (files.has('IBMBIO.COM')) return { name: 'PC DOS', confidence: 'certain', evidence: ['/IBMBIO.COM'] }
  if (!files.has('IO.SYS')) return undefined
  return { name: 'MS-DOS', confidence: 'likely', evidence: ['/IO.SYS and /COMMAND.COM'] }
}

async function textOf(files: GuestFiles, path: string): Promise<string | undefined> {
  const bytes = await files.read(path, MAX_TEXT_BYTES)
  if (bytes === undefined) return undefined
  const text = new TextDecoder().decode(bytes)
  return text.includes('\ufffd') ? asciiOf(bytes) : text
}

function firstLine(text: string): string {
  return text.split(/\r?\n/)[0]!.trim().slice(0, 200)
}
