import { VivariumError } from '../base/index.ts'
import { type NetworkConfig, networkConfigSchema } from './network-config.ts'
import { checkNetwork } from './network-plan.ts'
import { planServices } from './services.ts'

/**
 * Everything that can be known of settings before anything starts: their shape, and the plan of each service.
 * @throws VivariumError kind `invalid` that names the field
 */
export function checkNetworkConfig(settings: unknown): NetworkConfig {
  const parsed = networkConfigSchema.safeParse(settings)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw new VivariumError('invalid', 'network-settings', `${issue.message}.`, {
      where: { field: issue.path.join('.') },
      next: 'Change the settings of the network.',
    })
  }
  planServices(parsed.data)
  checkNetwork(parsed.data)
  return parsed.data
}
