import { NAT_NETWORK_ID, newNetworkId, SHARED_NETWORKING } from '../../machine/index.ts'
import { type NetworkDocument, networkDocumentSchema } from '../../network/index.ts'

export type BuiltIn = 'internal' | 'local' | 'nat' | 'external'

export interface BuiltInNetwork {
  readonly builtIn: Exclude<BuiltIn, 'external'>
  readonly name: string
  readonly newId: () => string
  readonly document: NetworkDocument
}

/** The networks that a fresh data folder gets: Virtual Server's, and those that Virtual PC knew. */
export const BUILT_IN: readonly BuiltInNetwork[] = [
  {
    builtIn: 'internal',
    name: 'Internal Network',
    newId: newNetworkId,
    document: networkDocumentSchema.parse({ dhcp: {} }),
  },
  {
    builtIn: 'local',
    name: 'Local only',
    newId: newNetworkId,
    document: networkDocumentSchema.parse({}),
  },
  {
    builtIn: 'nat',
    name: SHARED_NETWORKING,
    newId: () => NAT_NETWORK_ID,
    document: networkDocumentSchema.parse({
      uplink: { kind: 'nat' },
      // The addresses that Virtual PC gave (products.md 1.4).
      dhcp: { network: '192.168.131.0' },
    }),
  },
]
