import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { VivariumError } from '../../../base/index.ts'
import {
  type NetworkDocumentInput,
  networkSettingsSchema,
  refusal,
  shapeFaults,
} from '../../../network/index.ts'
import { systemError } from '../../../system/index.ts'
import { collect } from '../../command.ts'
import { pathOf } from '../../path.ts'

/** Settings of a network on the command line: the common ones by name, every one by its place. */
export interface SettingOptions {
  settings?: string
  dhcp?: 'on' | 'off'
  subnet?: string
  range?: string
  gateway?: string
  dns?: string
  wins?: string
  domain?: string
  lease?: string
  uplink?: string
  hostAdapter?: string
  forward?: string[]
  notes?: string
  set?: string[]
  unset?: string[]
}

export function addSettingOptions(command: Command): Command {
  return command
    .option('--settings <file>', 'begin with these instead, a JSON document ("-": standard input)')
    .addOption(new Option('--dhcp <choice>', 'a DHCP server').choices(['on', 'off']))
    .option('--subnet <address/prefix>', 'its network, for example 10.7.0.0/24')
    .option('--range <from-to>', 'the addresses that it gives, for example 10.7.0.16-10.7.0.99')
    .option('--gateway <address>', 'the gateway that it tells machines')
    .option('--dns <addresses>', 'DNS servers that it tells, with commas')
    .option('--wins <addresses>', 'WINS servers that it tells, with commas')
    .option('--domain <name>', 'DNS domain that it tells')
    .option('--lease <seconds>', 'how long a lease lasts')
    .option('--uplink <uplink>', 'none, nat, bridge:NAME, tap:NAME or host-only:ADDRESS/PREFIX')
    .option('--host-adapter <name>', "the network of this computer's adapter, as Virtual Server has it")
    .option('--forward <ports>', '[udp:][ADDRESS:]PORT=GUEST:PORT, with nat (repeat for more)', collect)
    .option('--notes <text>', 'for people')
    .option('--set <place=value>', 'any setting, for example dns.domain=lab.example or mtu=9000', collect)
    .option('--unset <place>', 'take a setting away, for example dhcp.gateway', collect)
}

/** @throws VivariumError kind `invalid` that names the option. */
export function settingsFrom(old: NetworkDocumentInput, options: SettingOptions): NetworkDocumentInput {
  const settings = structuredClone(options.settings === undefined ? old : readSettings(options.settings))
  const places = new Places(settings)
  if (options.dhcp !== undefined) places.set('dhcp.enabled', options.dhcp === 'on')
  if (options.subnet !== undefined) setSubnet(places, options.subnet)
  if (options.range !== undefined) setRange(places, options.range)
  for (const [place, text] of [
    ['dhcp.gateway', options.gateway],
    ['dhcp.domain', options.domain],
    ['hostAdapter', options.hostAdapter],
    ['notes', options.notes],
  ] as const)
    if (text !== undefined) places.set(place, text)
  if (options.dns !== undefined) places.set('dhcp.dns', listOf(options.dns))
  if (options.wins !== undefined) places.set('dhcp.wins', listOf(options.wins))
  if (options.lease !== undefined) places.set('dhcp.leaseSeconds', Number(options.lease))
  if (options.uplink !== undefined) places.set('uplink', uplinkOf(options.uplink))
  if (options.forward !== undefined) setForwards(places, settings.uplink?.kind, options.forward)
  for (const each of options.unset ?? []) places.remove(each)
  for (const each of options.set ?? []) setAny(places, each)
  const parsed = networkSettingsSchema.safeParse(settings)
  if (parsed.success) return parsed.data
  throw refusal('network-settings', shapeFaults(parsed.error))
}

function readSettings(file: string): NetworkDocumentInput {
  const path = file === '-' ? 0 : pathOf(file)
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw systemError(error, String(file))
    throw new VivariumError('malformed', 'settings-not-json', `It is no JSON: ${error.message}.`, {
      where: { path: String(file) },
    })
  }
}

/** A document by dotted places. A number names an item of a list, from 0. */
class Places {
  readonly #root: object

  constructor(root: object) {
    this.#root = root
  }

  set(place: string, value: unknown): void {
    const { group, key } = this.#find(place)
    group[key] = value
  }

  remove(place: string): void {
    const { group, key } = this.#find(place)
    if (!Object.hasOwn(group, key)) throw wrong('--unset', `"${place}" is not set.`)
    if (Array.isArray(group)) group.splice(Number(key), 1)
    else delete group[key]
  }

  #find(place: string): { group: Record<string, unknown>; key: string } {
    const keys = place.split('.')
    if (keys.some((key) => key === '' || key in Object.prototype))
      throw wrong('--set', `"${place}" is no place.`)
    let group = this.#root as Record<string, unknown>
    for (const key of keys.slice(0, -1)) {
      if (typeof group[key] !== 'object' || group[key] === null) group[key] = {}
      group = group[key] as Record<string, unknown>
    }
    return { group, key: keys.at(-1)! }
  }
}

/** JSON where it is some, else text: 9000, true, ["a"], lab.example. */
function setAny(places: Places, text: string): void {
  const at = text.indexOf('=')
  if (at < 1) throw wrong('--set', `"${text}" is no place and value such as mtu=9000.`)
  const value = text.slice(at + 1)
  try {
    places.set(text.slice(0, at), JSON.parse(value))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    places.set(text.slice(0, at), value)
  }
}

function setSubnet(places: Places, text: string): void {
  const [, address, bits] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? []
  const prefix = Number(bits)
  if (address === undefined || prefix < 1 || prefix > 30)
    throw wrong('--subnet', `"${text}" is no network such as 10.7.0.0/24.`)
  const mask = (0xffff_ffff << (32 - prefix)) >>> 0
  places.set('dhcp.network', address)
  places.set('dhcp.mask', [24, 16, 8, 0].map((shift) => (mask >>> shift) & 0xff).join('.'))
}

function setRange(places: Places, text: string): void {
  const [, start, end] = /^([\d.]+)-([\d.]+)$/.exec(text) ?? []
  if (start === undefined || end === undefined)
    throw wrong('--range', `"${text}" is no range such as 10.7.0.16-10.7.0.99.`)
  places.set('dhcp.start', start)
  places.set('dhcp.end', end)
}

function uplinkOf(text: string): object {
  const [kind, rest] = text.split(/:(.*)/s) as [string, string | undefined]
  if ((kind === 'none' || kind === 'nat') && rest === undefined) return { kind }
  if (kind === 'bridge' && rest) return { kind, bridge: rest }
  if (kind === 'tap' && rest) return { kind, interface: rest }
  if (kind === 'host-only' && rest) return { kind: 'hostOnly', address: rest }
  throw wrong('--uplink', `"${text}" is no uplink.`)
}

function setForwards(places: Places, kind: string | undefined, texts: readonly string[]): void {
  if (kind !== 'nat') throw wrong('--forward', 'Only a network with NAT forwards ports.', 'Add --uplink nat.')
  places.set('uplink.forwards', texts.map(forwardOf))
}

function forwardOf(text: string): object {
  const [, protocol = 'tcp', hostAddress, hostPort, guestAddress, guestPort] =
    /^(?:(tcp|udp):)?(?:([\d.]+):)?(\d+)=([\d.]+):(\d+)$/.exec(text) ?? []
  if (hostPort === undefined) throw wrong('--forward', `"${text}" is no forward such as 8080=10.7.0.16:80.`)
  const ports = { hostPort: Number(hostPort), guestAddress, guestPort: Number(guestPort) }
  return { protocol, ...(hostAddress !== undefined && { hostAddress }), ...ports }
}

function listOf(text: string): string[] {
  return text.split(/[,\s]+/).filter((part) => part !== '')
}

function wrong(option: string, message: string, next = 'Add --help for the usage.'): VivariumError {
  return new VivariumError('invalid', 'usage', message, { where: { field: option }, next })
}
