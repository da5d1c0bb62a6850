import { defineCommand, defineVerb, printJson, runCommand } from '../command.ts'
import { connect, findMachine, findNetwork } from '../connection.ts'
import { renderTable } from '../render/table.ts'

interface ListOptions {
  readonly json?: boolean
  readonly machine?: string
  readonly network?: string
  readonly limit: string
}

export function run(args: string[]): Promise<number> {
  const event = defineCommand('vivarium event', 'What happened in the running server.')
  defineVerb(event, 'list', 'the latest events, newest first')
    .option('--machine <name>', 'only of this machine')
    .option('--network <name>', 'only of this network')
    .option('--limit <number>', 'how many', '50')
    .action(async ({ json, machine, network, limit }: ListOptions) => {
      const client = connect()
      const machineId = machine === undefined ? undefined : (await findMachine(client, machine)).id
      const networkKey = network === undefined ? undefined : (await findNetwork(client, network)).key
      const events = await client('events', { limit: Number(limit), machineId, networkKey })
      if (json) return printJson(events)
      const rows = events.map(({ time, severity, message }) => [
        time.slice(0, 19).replace('T', ' '),
        severity,
        message,
      ])
      console.log(rows.length === 0 ? 'There are no events.' : renderTable(['Time (UTC)', '', 'Event'], rows))
    })
  return runCommand(event, args)
}
