import type { Command } from 'commander'
import { reparent as operation, type ReparentResult } from '../../../workshop/index.ts'
import { collect, defineVerb } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { renderActs } from '../../render/acts.ts'
import { runOperation } from '../../run-operation.ts'

interface ReparentOptions {
  search: string[]
  dryRun?: boolean
  force?: boolean
  json?: boolean
}

export function reparent(disk: Command): void {
  defineVerb(
    disk,
    'reparent <child> [parent]',
    'heal a chain: find each parent by its id, and write its names anew',
  )
    .option('--search <folder>', 'look here too, and in all folders below (repeat for more)', collect, [])
    .option('--dry-run', 'only show what would be done')
    .option('--force', 'take the named parent although it has another id')
    .action(async (child: string, parent: string | undefined, options: ReparentOptions) => {
      const spec = {
        child: pathOf(child),
        ...(parent !== undefined && { parent: pathOf(parent) }),
        search: options.search.map(pathOf),
        dryRun: options.dryRun === true,
        force: options.force === true,
      }
      await runOperation(operation, spec, { json: options.json, describe })
    })
}

function describe({ links, dryRun }: ReparentResult): string {
  return links
    .map(({ child, parent, acts, backup }) => {
      const head = `${child}\n  on ${parent}`
      if (acts.length === 0) return `${head}: as it should be.`
      const ending = dryRun ? 'Nothing was changed.' : `The former bytes are in ${backup}`
      return `${head}${dryRun ? ', it would' : ''}:\n${renderActs(acts, { bytes: false })}\n${ending}`
    })
    .join('\n')
}
