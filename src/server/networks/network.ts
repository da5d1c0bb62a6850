import { type Problem, problemFrom } from '../../base/index.ts'
import type { JournalPaths, SwitchNetwork } from '../../engine/index.ts'
import { NAT_NETWORK_ID, type NetworkReference } from '../../machine/index.ts'
import { checkNetworkConfig, type NetworkDocument, type UplinkSettings } from '../../network/index.ts'
import type { BuiltIn } from './built-in.ts'
import { bridgeOf } from './host-adapters.ts'
import { derivedId, type NetworkFile } from './network-file.ts'

export type NetworkKind = 'internal' | 'nat' | 'external' | 'hostOnly'

/**
 * A virtual network of this server. Most have a file; an External Network has none until somebody changes it: it is
 * there because the host has the adapter.
 */
export class Network {
  readonly key: string
  readonly builtIn: BuiltIn | undefined
  readonly file: NetworkFile | undefined
  readonly #without: { readonly name: string; readonly document: NetworkDocument } | undefined

  constructor(
    key: string,
    builtIn: BuiltIn | undefined,
    from: NetworkFile | { readonly name: string; readonly document: NetworkDocument },
  ) {
    this.key = key
    this.builtIn = builtIn
    this.file = 'path' in from ? from : undefined
    this.#without = 'path' in from ? undefined : from
  }

  get name(): string {
    return this.file?.name ?? this.#without!.name
  }

  get document(): NetworkDocument {
    return this.file?.content.document ?? this.#without!.document
  }

  get id(): string {
    const id = this.file === undefined ? undefined : this.file.content.id
    return id ?? derivedId(this.builtIn === 'external' ? this.name : this.key)
  }

  /** How a machine's file refers to it. */
  get reference(): NetworkReference {
    const { id, name } = this
    return id === NAT_NETWORK_ID ? { kind: 'nat', id } : { kind: 'network', id, name }
  }

  /** What is set, or what follows from the host's adapter. */
  get uplink(): UplinkSettings {
    const { uplink, hostAdapter } = this.document
    if (uplink !== undefined) return uplink
    const bridge = hostAdapter ? bridgeOf(hostAdapter) : undefined
    return bridge === undefined ? { kind: 'none' } : { kind: 'bridge', bridge }
  }

  get kind(): NetworkKind {
    const { uplink, hostAdapter } = this.document
    if (uplink === undefined) return hostAdapter ? 'external' : 'internal'
    const kinds = {
      none: 'internal',
      nat: 'nat',
      tap: 'external',
      bridge: 'external',
      hostOnly: 'hostOnly',
    } as const
    return kinds[uplink.kind]
  }

  /** What the switch gets, or why it cannot have it. */
  plan(): { readonly config: Omit<SwitchNetwork, keyof JournalPaths> } | { readonly problem: Problem } {
    const broken = this.file?.content.problems.find(({ severity }) => severity === 'error')
    if (broken !== undefined) return { problem: broken }
    try {
      return { config: configOf(this, this.document) }
    } catch (error) {
      return { problem: problemFrom(error) }
    }
  }

  /** With one that its settings cannot work. */
  get problems(): readonly Problem[] {
    const plan = this.plan()
    const found = this.file?.content.problems ?? []
    return 'problem' in plan && !found.includes(plan.problem) ? [...found, plan.problem] : found
  }
}

/** @throws VivariumError kind `invalid` on settings that cannot work. */
export function configOf(
  network: Pick<Network, 'key' | 'name' | 'uplink'>,
  { notes: _, hostAdapter: __, ...settings }: NetworkDocument,
): ReturnType<typeof checkNetworkConfig> {
  const { uplink = network.uplink } = settings
  return checkNetworkConfig({ ...settings, uplink, key: network.key, name: network.name })
}
