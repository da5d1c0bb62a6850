import { checkAll, refusal } from './faults.ts'
import { type NetworkConfig, networkConfigSchema } from './network-config.ts'
import { checkNetwork } from './network-plan.ts'
import { planServices } from './services.ts'
import { shapeFaults } from './shape-faults.ts'

/**
 * Everything that can be known of settings before anything starts: their shape, and the plan of each service.
 * @throws VivariumError kind `invalid` that names each field at fault
 */
export function checkNetworkConfig(settings: unknown): NetworkConfig {
  const parsed = networkConfigSchema.safeParse(settings)
  if (!parsed.success) throw refusal('network-settings', shapeFaults(parsed.error))
  checkAll([() => planServices(parsed.data), () => checkNetwork(parsed.data)])
  return parsed.data
}
