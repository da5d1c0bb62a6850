import { VivariumError } from '../base/index.ts'
import { checkNetworkConfig, formatIpv4, networkDocumentSchema, planDhcp } from '../network/index.ts'

/** What the server would say of a network's settings, known without asking it: for a form, while one types. */

export interface SettingsFault {
  /** Path of the setting, such as `dhcp.start` or `dns.records.0.value`; empty: of all. */
  readonly field: string
  readonly message: string
}

export function networkFaults(settings: unknown): SettingsFault[] {
  const shape = networkDocumentSchema.safeParse(settings)
  if (!shape.success)
    return shape.error.issues.map((issue) => ({ field: issue.path.join('.'), message: `${issue.message}.` }))
  try {
    checkNetworkConfig({ ...shape.data, name: 'network', key: 'network' })
    return []
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
    return [{ field: error.where.field ?? '', message: error.message }]
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
