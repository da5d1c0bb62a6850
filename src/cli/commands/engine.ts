import { engines } from '../../engine/index.ts'
import { defineCommand, defineVerb, printJson, runCommand } from '../command.ts'

export function run(args: string[]): Promise<number> {
  const engine = defineCommand('vivarium engine', 'What can run machines on this computer.')
  defineVerb(engine, 'list', 'the engines, and why or why not').action(
    async ({ json }: { json?: boolean }) => {
      const facts = await Promise.all(engines.map((each) => each.survey()))
      if (json) return printJson(facts)
      for (const { name, available, version, reason, accelerators } of facts) {
        console.log(`${name} ${version ?? ''} ${available ? '' : '(not available)'}\n  ${reason}`)
        for (const each of accelerators)
          console.log(`  ${each.name}: ${each.usable ? 'yes' : 'no'}. ${each.reason}`)
      }
    },
  )
  return runCommand(engine, args)
}
