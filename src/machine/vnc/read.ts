import { formatGuid, type Problem, problemFrom } from '../../base/index.ts'
import { checkDialect } from '../preferences/check.ts'
import type { PreferencesDocument } from '../preferences/document.ts'
import { GroupReader } from '../preferences/reader.ts'
import { isTreeGroup, readTree, type TreeGroup } from '../preferences/tree.ts'
import type { NetworkReport } from '../report.ts'
import { readDhcp } from './dhcp.ts'

/** Of all that Virtual Server had no place for: it keeps keys that it does not know (formats.md 1.5, 1.8). */
export const OWN_KEY = 'vivarium'

/** Where the description of the host's adapter may be; the first is what we write. */
export const HOST_ADAPTER_KEYS = ['host_adapter', 'hostadapter', 'adapter'] as const

export type NetworkSettings = NetworkReport['networks'][number]

export interface NetworkReading {
  readonly networks: readonly NetworkSettings[]
  readonly problems: readonly Problem[]
}

/**
 * Reads a VNC file of Virtual Server: one network, called as its file is. No real file was found, so keys are
 * looked for wherever they may be (formats.md 3.2). What Virtual Server did not know is below a key of our own.
 */
export function readVnc(document: PreferencesDocument, name: string): NetworkReading {
  const problems: Problem[] = []
  const root = GroupReader.root(document, problems)
  const network = findGroup(root, 'virtual_network') ?? root
  const hostAdapter = findText(network, HOST_ADAPTER_KEYS)
  const id = readId(network)
  const dhcp = findGroup(root, 'dhcp')
  const notes = network.text('notes')
  const own = readOwn(document, problems)
  const settings: NetworkSettings = {
    name,
    ...(id !== undefined && { id }),
    ...(hostAdapter !== undefined && { hostAdapter }),
    ...(dhcp && { dhcp: readDhcp(dhcp) }),
    ...(notes !== undefined && { notes }),
    ...(isTreeGroup(own) && { own }),
  }
  problems.push(...checkDialect(document))
  return { networks: [settings], problems }
}

function readOwn(document: PreferencesDocument, problems: Problem[]): TreeGroup | undefined {
  try {
    const own = readTree(document, OWN_KEY)
    return isTreeGroup(own) ? own : undefined
  } catch (error) {
    problems.push(problemFrom(error))
    return undefined
  }
}

/** The first group of that name at any depth, nearest to the root first. */
export function findGroup(start: GroupReader, name: string): GroupReader | undefined {
  return findGroups(start, name)[0]
}

/** Every group of that name, those inside another of that name and those of our own key excepted. */
export function findGroups(start: GroupReader, name: string): GroupReader[] {
  const found: GroupReader[] = []
  let level = [start]
  while (level.length > 0) {
    const below = level.flatMap((group) => group.childGroups()).filter(({ keyPath }) => keyPath !== OWN_KEY)
    found.push(...below.filter((group) => group.element?.name === name))
    level = below.filter((group) => group.element?.name !== name)
  }
  return found
}

/** A network's id in GUID notation. */
export function readId(network: GroupReader): string | undefined {
  const bytes = network.bytes('id')
  if (bytes === undefined) return undefined
  if (bytes.length === 16) return formatGuid(bytes)
  const text = `The network's id has ${bytes.length} bytes instead of 16.`
  network.problem('network-id', 'warning', text, 'It is left out.', 'id')
  return undefined
}

function findText(group: GroupReader, names: readonly string[]): string | undefined {
  for (const name of names) {
    const text = group.text(name)
    if (text !== undefined) return text
  }
  return undefined
}
