import type { Problem } from '../../base/index.ts'
import { checkDialect } from '../preferences/check.ts'
import type { PreferencesDocument } from '../preferences/document.ts'
import { GroupReader } from '../preferences/reader.ts'
import { readDhcp } from '../vnc/dhcp.ts'
import { findGroup, findGroups, type NetworkReading, type NetworkSettings, readId } from '../vnc/read.ts'

/**
 * Reads the virtual networks of an Options.xml: each `virtual_network` has the index of a `virtual_gateway`, its
 * road out. Only a fragment of a real file was seen, and not the parent of these groups, so they are looked for
 * at any depth (formats.md 3.1).
 */
export function readOptions(document: PreferencesDocument): NetworkReading {
  const problems: Problem[] = []
  const root = GroupReader.root(document, problems)
  const gateways = new Map(findGroups(root, 'virtual_gateway').map((gateway) => [gateway.index, gateway]))
  const networks = findGroups(root, 'virtual_network').map((network) => {
    const gateway = gateways.get(network.integer('gateway') ?? -1)
    return readNetwork(network, gateway)
  })
  problems.push(...checkDialect(document))
  return { networks, problems }
}

/** A gateway of type 2 is a network adapter of the host [inferred from the one file seen]. */
const HOST_ADAPTER = 2

function readNetwork(network: GroupReader, gateway: GroupReader | undefined): NetworkSettings {
  const id = readId(network)
  const hostAdapter = gateway?.integer('type') === HOST_ADAPTER ? gateway.text('name') : undefined
  const dhcp = findGroup(network, 'dhcp')
  return {
    name: network.text('name') ?? '',
    ...(id !== undefined && { id }),
    ...(hostAdapter !== undefined && { hostAdapter }),
    ...(dhcp && { dhcp: readDhcp(dhcp) }),
  }
}
