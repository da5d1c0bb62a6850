import { defineCommand, printJson, runCommand } from '../command.ts'
import { connect } from '../connection.ts'

export function run(args: string[]): Promise<number> {
  const command = defineCommand('vivarium sign-in', 'Print a new one-time link to the site.')
    .option('--json', 'one JSON document on standard output')
    .action(async ({ json }: { json?: boolean }) => {
      const link = await connect()('newSignInLink', {})
      if (json) printJson(link)
      else console.log(link.url)
    })
  return runCommand(command, args)
}
