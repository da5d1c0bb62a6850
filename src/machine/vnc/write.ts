import { VivariumError } from '../../base/index.ts'
import { findChild, findElement } from '../preferences/access.ts'
import { newPreferences, type PreferencesDocument } from '../preferences/document.ts'
import { removeGroup, removeValue, setValue } from '../preferences/edit.ts'
import { GroupReader } from '../preferences/reader.ts'
import { type TreeGroup, updateTree, writeTree } from '../preferences/tree.ts'
import type { DhcpReport } from '../report.ts'
import { networkIdBytes } from '../vmc/networks.ts'
import { assignFields, type DhcpField, parseAddress } from './dhcp.ts'
import { findGroup, HOST_ADAPTER_KEYS, type NetworkSettings, OWN_KEY, readVnc } from './read.ts'

/**
 * Writes VNC files. Keys of Virtual Server's own properties are those seen in Options.xml, and for the rest in the
 * same manner (formats.md 3.1, 3.2): no real VNC was found, so that Virtual Server reads them is not promised.
 */

/** What a VNC file says of its network; it is called as its file is. */
export type VncSettings = Omit<NetworkSettings, 'name' | 'own'> & { readonly own?: TreeGroup | undefined }

/** A file of a network in the layout of the products. */
export function createVnc(path: string, settings: VncSettings): PreferencesDocument {
  const document = newPreferences(path)
  updateVnc(document, settings)
  return document
}

/**
 * Makes the file say what `settings` say; what it says already is left as it is spelled, and keys that we do not know
 * stay. @throws VivariumError kind `invalid` for values that the file cannot hold, naming the element.
 */
export function updateVnc(document: PreferencesDocument, settings: VncSettings): void {
  const old = readVnc(document, '').networks[0]!
  const network = networkGroup(document)
  if (settings.id !== undefined && settings.id !== old.id) setId(document, network, settings.id)
  if (settings.hostAdapter !== old.hostAdapter) setHostAdapter(document, network, settings.hostAdapter)
  if (settings.notes !== old.notes) setText(document, join(network, 'notes'), settings.notes)
  setDhcp(document, network, old.dhcp, settings.dhcp)
  updateOwn(document, (old.own ?? {}) as TreeGroup, settings.own ?? {})
}

/** Key path of the group of the network's own keys; '' is the root, where a file written by hand may have them. */
function networkGroup(document: PreferencesDocument): string {
  const root = GroupReader.root(document, [])
  const group = findGroup(root, 'virtual_network')
  if (group !== undefined) return group.keyPath
  const isFlat = [...HOST_ADAPTER_KEYS, 'id'].some((name) => findChild(document.root, { name }))
  return isFlat ? '' : 'virtual_network'
}

function join(group: string, key: string): string {
  return group === '' ? key : `${group}/${key}`
}

function setId(document: PreferencesDocument, network: string, id: string): void {
  const bytes = networkIdBytes(id)
  const key = join(network, 'id')
  if (bytes === undefined) throw invalid(document, key, `"${id}" is not the id of a virtual network.`)
  setValue(document, key, 'bytes', bytes)
}

function setHostAdapter(document: PreferencesDocument, network: string, adapter: string | undefined): void {
  const keys = HOST_ADAPTER_KEYS.map((name) => join(network, name))
  // Guests only is the empty text (IVMVirtualNetwork.HostAdapter).
  setValue(document, keys.find((key) => findElement(document, key)) ?? keys[0]!, 'string', adapter ?? '')
}

function setText(document: PreferencesDocument, key: string, text: string | undefined): void {
  if (text === undefined || text === '') removeValue(document, key)
  else setValue(document, key, 'string', text)
}

/** Our own key is not there at all while it has nothing to say. */
function updateOwn(document: PreferencesDocument, before: TreeGroup, after: TreeGroup): void {
  if (Object.values(after).some((value) => value !== undefined)) {
    updateTree(document, OWN_KEY, before, after)
  } else if (Object.keys(before).length > 0) writeTree(document, OWN_KEY, undefined)
}

const ADDRESS_KEYS = {
  network: 'network',
  mask: 'network_mask',
  start: 'starting_ip_address',
  end: 'ending_ip_address',
  server: 'server_ip_address',
  gateway: 'default_gateway_address',
} as const
const LIST_KEYS = { dns: 'dns_servers', wins: 'wins_servers' } as const
const TIME_KEYS = {
  leaseSeconds: ['lease', 'lease_time'],
  renewalSeconds: ['renewal', 'lease_renewal_time'],
  rebindingSeconds: ['rebinding', 'lease_rebinding_time'],
} as const

function setDhcp(
  document: PreferencesDocument,
  network: string,
  old: DhcpReport | undefined,
  now: DhcpReport | undefined,
): void {
  const group = findGroup(GroupReader.root(document, []), 'dhcp')
  if (now === undefined) {
    if (group !== undefined) removeGroup(document, group.keyPath)
    return
  }
  const found = group && assignFields(group)
  const base = group?.keyPath ?? join(network, 'virtual_server/dhcp')
  const keyOf = (field: DhcpField, name: string) => `${base}/${found?.get(field)?.name ?? name}`
  if (old?.enabled !== now.enabled) setValue(document, keyOf('enabled', 'enabled'), 'boolean', now.enabled)
  for (const [field, name] of entriesOf(ADDRESS_KEYS))
    if (old?.[field] !== now[field]) setAddress(document, keyOf(field, name), now[field])
  for (const [field, name] of entriesOf(LIST_KEYS)) {
    const [before, after] = [old?.[field].join(', ') ?? '', now[field].join(', ')]
    if (before !== after) setList(document, keyOf(field, name), after)
  }
  for (const [field, [short, name]] of entriesOf(TIME_KEYS)) {
    if (old?.[field] === now[field]) continue
    const key = keyOf(short, name)
    if (now[field] === undefined) removeValue(document, key)
    else setValue(document, key, 'integer', now[field])
  }
}

/** As Options.xml has them: the address as a number (formats.md 1.4). */
function setAddress(document: PreferencesDocument, key: string, text: string | undefined): void {
  if (text === undefined) {
    removeValue(document, key)
    return
  }
  const address = parseAddress(text, 'string')
  if (address === undefined) throw invalid(document, key, `"${text}" is not an IPv4 address.`)
  setValue(document, key, 'integer', address)
}

/** One text with commas, as the COM property has it (IVMDHCPVirtualNetworkServer.DNSServers). */
function setList(document: PreferencesDocument, key: string, text: string): void {
  const old = findElement(document, key)
  if (old?.content.some((item) => typeof item !== 'string')) removeGroup(document, key)
  setText(document, key, text)
}

function entriesOf<Table extends object>(table: Table): [keyof Table, Table[keyof Table]][] {
  return Object.entries(table) as [keyof Table, Table[keyof Table]][]
}

function invalid(document: PreferencesDocument, field: string, message: string): VivariumError {
  return new VivariumError('invalid', 'network-value', message, { where: { path: document.path, field } })
}
