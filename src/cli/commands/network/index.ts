import { defineCommand, runCommand } from '../../command.ts'
import { addAdapterVerbs } from './adapters.ts'
import { addCapture } from './capture.ts'
import { addLeases } from './leases.ts'
import { addNetworkVerbs } from './networks.ts'

export function run(args: string[]): Promise<number> {
  const network = defineCommand('vivarium network', 'Virtual networks of the running server.')
  addNetworkVerbs(network)
  addAdapterVerbs(network)
  addLeases(network)
  addCapture(network)
  return runCommand(network, args)
}
