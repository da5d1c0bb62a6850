import { defineCommand, defineVerb, printJson, runCommand } from '../command.ts'
import { connect, findMachine } from '../connection.ts'
import { renderTable } from '../render/table.ts'

export function run(args: string[]): Promise<number> {
  const event = defineCommand('vivarium event', 'What happened in the running server.')
  defineVerb(event, 'list', 'the latest events, newest first')
    .option('--machine <name>', 'only of this machine')
    .option('--limit <number>', 'how many', '50')
    .action(async ({ json, machine, limit }: { json?: boolean; machine?: string; limit: string }) => {
      const client = connect()
      const machineId = machine === undefined ? undefined : (await findMachine(client, machine)).id
      const events = await client('events', { limit: Number(limit), machineId })
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
