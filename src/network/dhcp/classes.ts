import { asciiOf } from '../../base/index.ts'
import { parseIpv4, readUint16 } from '../addresses.ts'
import { type OptionSet, optionSet } from './option-settings.ts'
import { type DhcpOptions, OPTION } from './options.ts'
import type { BootSettings, ClassSettings, MatchSettings } from './settings.ts'

/** Machines that say of themselves what they are, and get options by it. */
export interface DhcpClass {
  readonly name: string
  readonly matches: (options: DhcpOptions) => boolean
  readonly options: OptionSet
  readonly boot?: BootPlan
}

export interface BootPlan {
  readonly nextServer?: number
  readonly serverName?: string
  readonly file?: string
}

export function planClass(settings: ClassSettings): DhcpClass {
  const { name, vendorClass, userClass, architectures, options, boot } = settings
  return {
    name,
    matches: (said) =>
      (vendorClass === undefined || fits(vendorClass, vendorClasses(said))) &&
      (userClass === undefined || fits(userClass, userClasses(said))) &&
      (architectures === undefined || architectures.some((wanted) => architecturesOf(said).includes(wanted))),
    options: optionSet(options),
    ...(boot && { boot: planBoot(boot) }),
  }
}

export function planBoot({ nextServer, serverName, file }: BootSettings): BootPlan {
  const address = nextServer === undefined ? undefined : parseIpv4(nextServer)
  return {
    ...(address !== undefined && { nextServer: address }),
    ...(serverName !== undefined && { serverName }),
    ...(file !== undefined && { file }),
  }
}

function fits(match: MatchSettings, texts: readonly string[]): boolean {
  return texts.some((text) => ('equals' in match ? text === match.equals : text.startsWith(match.prefix)))
}

function vendorClasses(said: DhcpOptions): string[] {
  const bytes = said.get(OPTION.vendorClass)
  return bytes === undefined ? [] : [asciiOf(bytes).replace(/\0+$/, '')]
}

/**
 * RFC 3004, section 4: a row of classes, each behind its length. iPXE and others send bare text instead, so both
 * readings count.
 */
function userClasses(said: DhcpOptions): string[] {
  const bytes = said.get(OPTION.userClass)
  if (bytes === undefined) return []
  const found = [asciiOf(bytes).replace(/\0+$/, '')]
  for (let at = 0; at < bytes.length; at += 1 + bytes[at]!)
    found.push(asciiOf(bytes.subarray(at + 1, at + 1 + bytes[at]!)))
  return found
}

/** RFC 4578, 2.1: the types that the firmware can boot. */
function architecturesOf(said: DhcpOptions): number[] {
  const bytes = said.get(OPTION.architecture) ?? new Uint8Array()
  return Array.from({ length: bytes.length >> 1 }, (_, index) => readUint16(bytes, index * 2))
}
