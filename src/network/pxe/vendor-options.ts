import { asciiBytes } from '../../base/index.ts'
import { readUint16, writeUint16, writeUint32 } from '../addresses.ts'
import type { RomMenu } from './settings.ts'

/**
 * The options of PXE inside DHCP's option 43: Intel's Preboot Execution Environment 2.1, 2.2.3, table 2-1 (tags), and
 * those of plain DHCP that come with them (RFC 4578).
 */
export const PXE_OPTION = { vendor: 43, architecture: 93, interface: 94, uuid: 97 } as const

const TAG = {
  discoveryControl: 6,
  bootServers: 8,
  bootMenu: 9,
  menuPrompt: 10,
  bootItem: 71,
  end: 255,
} as const
/** Types from here on are free to use (table 2-1, tag 8). */
const FIRST_FREE_TYPE = 0x8000
/** As the type of a menu's item: the machine goes on with its next boot device. */
const LOCAL_BOOT = 0
/** Discovery: not by broadcast, not by multicast, only the servers of the list. */
const ONLY_LISTED_SERVERS = 0b0111

export interface BootItem {
  readonly type: number
  /** 0 is the boot program; with the highest bit, credentials are wanted. */
  readonly layer: number
}

export function itemType(menu: RomMenu, index: number): number {
  return menu.items[index]?.file === undefined ? LOCAL_BOOT : FIRST_FREE_TYPE + index
}

/** @param host IPv4 of this boot server @param addressOf an item's server */
export function menuOption(menu: RomMenu, addressOf: (index: number) => number): Uint8Array {
  const types = menu.items.map((_, index) => itemType(menu, index))
  const servers = types.flatMap((type, index) => {
    if (type === LOCAL_BOOT) return []
    const entry = new Uint8Array(7)
    writeUint16(entry, 0, type)
    entry[2] = 1
    writeUint32(entry, 3, addressOf(index))
    return [entry]
  })
  const items = menu.items.map(({ title }, index) => {
    const text = asciiBytes(title)
    const entry = new Uint8Array(3 + text.length)
    writeUint16(entry, 0, types[index]!)
    entry[2] = text.length
    entry.set(text, 3)
    return entry
  })
  return encodeTags([
    [TAG.discoveryControl, Uint8Array.of(ONLY_LISTED_SERVERS)],
    [TAG.bootServers, joined(servers)],
    [TAG.bootMenu, joined(items)],
    [TAG.menuPrompt, Uint8Array.of(menu.timeoutSeconds, ...asciiBytes(menu.prompt))],
  ])
}

/** The client loads the file that this message names, and asks nobody else. */
export function noDiscoveryOption(): Uint8Array {
  return encodeTags([[TAG.discoveryControl, Uint8Array.of(0b1000)]])
}

/** Which item was chosen, in a client's request and in the answer to it. */
export function bootItemOption({ type, layer }: BootItem): Uint8Array {
  return encodeTags([[TAG.bootItem, Uint8Array.of(type >>> 8, type & 0xff, layer >>> 8, layer & 0xff)]])
}

/** Undefined: the client names none, or its option is damaged. */
export function readBootItem(vendor: Uint8Array | undefined): BootItem | undefined {
  for (let at = 0; vendor !== undefined && at < vendor.length && vendor[at] !== TAG.end; ) {
    if (vendor[at] === 0) {
      at++
      continue
    }
    const end = at + 2 + (vendor[at + 1] ?? vendor.length)
    if (end > vendor.length) return undefined
    if (vendor[at] === TAG.bootItem && end - at >= 6)
      return { type: readUint16(vendor, at + 2), layer: readUint16(vendor, at + 4) }
    at = end
  }
  return undefined
}

/** A tag longer than 255 bytes does not exist in PXE; what would not fit is left out whole. */
function encodeTags(tags: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const fitting = tags.filter(([, value]) => value.length <= 255)
  return joined([
    ...fitting.flatMap(([tag, value]) => [Uint8Array.of(tag, value.length), value]),
    Uint8Array.of(TAG.end),
  ])
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
