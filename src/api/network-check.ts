import { type FieldFault, VivariumError } from '../base/index.ts'
import {
  checkNetworkConfig,
  faultsOf,
  formatIpv4,
  networkDocumentSchema,
  planDhcp,
  shapeFaults,
} from '../network/index.ts'

/**
 * What the server would say of a network's settings, known without asking it: for a form, while one types. A field
 * is the path of a setting, such as `dhcp.start` or `dns.records.0.value`; empty: of all.
 */
export function networkFaults(settings: unknown): readonly FieldFault[] {
  const shape = networkDocumentSchema.safeParse(settings)
  if (!shape.success) return shapeFaults(shape.error)
  try {
    checkNetworkConfig({ ...shape.data, name: 'network', key: 'network' })
    return []
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
    return faultsOf(error)
  }
}

export interface DhcpDefaults {
  readonly start: string
  readonly end: string
  readonly server: string
  readonly renewalSeconds: number
  readonly rebindingSeconds: number
}

/** What is taken where nothing is said; undefined when these already break a rule. */
export function dhcpDefaults(
  given: { readonly network?: string; readonly mask?: string; readonly leaseSeconds?: number } = {},
): DhcpDefaults | undefined {
  try {
    const { start, end, server, renewalSeconds, rebindingSeconds } = planDhcp(given)
    return {
      start: formatIpv4(start),
      end: formatIpv4(end),
      server: formatIpv4(server),
      renewalSeconds,
      rebindingSeconds,
    }
  } catch (error) {
    if (error instanceof VivariumError) return undefined
    throw error
  }
}
