import type { Problem } from '../../base/index.ts'
import type { Network } from './network.ts'

/**
 * The files of networks while somebody edits them by hand: what was changed is told and taken over, and a damaged file
 * leaves the network as it was.
 */

type Config = Extract<ReturnType<Network['plan']>, { readonly config: unknown }>['config']

export interface Edit {
  readonly network: Network
  /** Absent: its new settings can work. */
  readonly problem?: Problem
}

interface Known {
  /** What the file says, as last told. */
  text: string
  /** What the file said at the look before, when that was something new. */
  draft?: string
  /** What the switch has taken. */
  good?: Config
  /** What it was given last. */
  given?: Config
  /** What the switch has refused. */
  refused?: string
}

export class EditedFiles {
  readonly #known = new Map<string, Known>()

  /** What the switch is to have; undefined when the file is damaged and was never good. */
  configOf(network: Network): Config | undefined {
    const known = this.#of(network)
    const plan = network.plan()
    if ('problem' in plan || textOf(network) === known.refused) return known.good
    known.given = plan.config
    return plan.config
  }

  /** The switch has taken what it was given. */
  confirm(): void {
    for (const known of this.#known.values()) if (known.given !== undefined) known.good = known.given
  }

  /** The switch has not: the network keeps what it had. */
  refuse(network: Network): void {
    const known = this.#of(network)
    known.refused = textOf(network)
    if (known.good === undefined) delete known.given
    else known.given = known.good
  }

  /** We have changed it ourselves. */
  accept(network: Network): void {
    this.#known.set(network.key, { ...this.#of(network), text: textOf(network) })
  }

  /**
   * What was edited since the last look, and stayed so for two looks: who writes a file may write it in pieces.
   * `isUnsettled`: another look is needed soon.
   */
  look(networks: readonly Network[]): { readonly edits: readonly Edit[]; readonly isUnsettled: boolean } {
    const edits: Edit[] = []
    let isUnsettled = false
    const keys = new Set(networks.map(({ key }) => key))
    for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key)
    for (const network of networks) {
      const known = this.#of(network)
      const text = textOf(network)
      if (text === known.text) delete known.draft
      else if (text !== known.draft) {
        known.draft = text
        isUnsettled = true
      } else {
        known.text = text
        delete known.draft
        const plan = network.plan()
        edits.push({ network, ...('problem' in plan && { problem: plan.problem }) })
      }
    }
    return { edits, isUnsettled }
  }

  #of(network: Network): Known {
    const known = this.#known.get(network.key) ?? { text: textOf(network) }
    this.#known.set(network.key, known)
    return known
  }
}

/** Of the file alone: what follows from the host's adapters is nobody's edit. */
function textOf({ document, file }: Network): string {
  return JSON.stringify([document, file?.content.problems])
}
