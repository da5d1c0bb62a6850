import type { Command } from 'commander'
import { defineVerb, printJson } from '../../command.ts'
import { connect, findNetwork } from '../../connection.ts'
import { renderLeases } from '../../render/network.ts'

interface LeaseOptions {
  json?: boolean
  delete?: string
  reserve?: string
}

export function addLeases(network: Command): void {
  defineVerb(network, 'leases <network>', 'who has which address from its DHCP server')
    .option('--delete <address>', 'take this lease away')
    .option('--reserve <address>', 'give the machine of this lease its address for ever')
    .action(async (wanted: string, options: LeaseOptions) => {
      const client = connect()
      const { key } = await findNetwork(client, wanted)
      if (options.delete !== undefined) await client('deleteLease', { key, address: options.delete })
      if (options.reserve !== undefined) await client('reserveLease', { key, address: options.reserve })
      const leases = await client('leases', { key })
      if (options.json) printJson(leases)
      else console.log(renderLeases(leases))
    })
}
