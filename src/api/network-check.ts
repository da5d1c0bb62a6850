import { type FieldFault, VivariumError } from '../base/index.ts'
import {
  checkNetworkConfig,
  faultsOf,
  formatIpv4,
  type NetworkDocument,
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
  if (shape.success) return ruleFaults(shape.data)
  const faults = shapeFaults(shape.error)
  const known = new Set(faults.map(({ field }) => field))
  return [...faults, ...faultsBeside(settings, faults).filter(({ field }) => !known.has(field))]
}

/** What the rules say of the settings that have their shape; nothing where they hang on one that has not. */
function faultsBeside(settings: unknown, faults: readonly FieldFault[]): readonly FieldFault[] {
  const rest = without(settings, faults, 2)
  const parsed = networkDocumentSchema.safeParse(rest)
  const again = parsed.success
    ? parsed
    : networkDocumentSchema.safeParse(without(rest, shapeFaults(parsed.error), 1))
  const lost = (name: 'address' | 'dhcp') => again.data?.[name] === undefined && name in (settings as object)
  return !again.success || lost('address') || lost('dhcp') ? [] : ruleFaults(again.data)
}

/** A copy without the settings at fault. @param depth 2: a section's own setting goes; 1: the section */
function without(settings: unknown, faults: readonly FieldFault[], depth: 1 | 2): unknown {
  const copy = structuredClone(settings) as Record<string, Record<string, unknown>>
  for (const { field } of faults) {
    const [section = '', name] = field.split('.', depth)
    if (name === undefined) delete copy[section]
    else delete copy[section]?.[name]
  }
  return copy
}

function ruleFaults(settings: NetworkDocument): readonly FieldFault[] {
  try {
    checkNetworkConfig({ ...settings, name: 'network', key: 'network' })
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
