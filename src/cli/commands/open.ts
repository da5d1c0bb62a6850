import { defineCommand, printJson, runCommand } from '../command.ts'
import { connect, findMachine } from '../connection.ts'
import { pathOf } from '../path.ts'

export function run(args: string[]): Promise<number> {
  const command = defineCommand(
    'vivarium open',
    'Register a machine if needed, start it (with undo disks where it lies outside the library), and print a link to its console.',
  )
    .argument('<file>', 'the .vmc file')
    .option('--json', 'one JSON document on standard output')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const client = connect()
      const path = pathOf(file)
      const known = (await client('machines', {})).find((machine) => machine.path === path)
      const machine = known ?? (await client('addMachine', { path }))
      if (machine.state === 'TurnedOff') await client('startMachine', { id: machine.id })
      const { url } = await client('newSignInLink', {})
      const link = url.replace('/sign-in#', `/sign-in?to=/machines/${machine.id}#`)
      if (json) printJson({ machine: await findMachine(client, machine.id), url: link })
      else console.log(`"${machine.name}" is running. Its console: ${link}`)
    })
  return runCommand(command, args)
}
