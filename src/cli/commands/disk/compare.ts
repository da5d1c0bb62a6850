import type { Command } from 'commander'
import { compare as operation } from '../../../workshop/index.ts'
import { collect, defineVerb, setExitCode } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { runOperation } from '../../run-operation.ts'

interface CompareOptions {
  search: string[]
  json?: boolean
}

export function compare(disk: Command): void {
  defineVerb(
    disk,
    'compare <first> <second>',
    'whether two disks show the same; exit code 1 when they do not',
  )
    .option('--search <folder>', 'look here for parents too (repeat for more)', collect, [])
    .action(async (first: string, second: string, { search, json }: CompareOptions) => {
      const spec = { first: pathOf(first), second: pathOf(second) }
      await runOperation(operation, spec, {
        json,
        searchFolders: search.map(pathOf),
        onResult: ({ equal }) => setExitCode(equal ? 0 : 1),
        describe: ({ offset }) =>
          offset === undefined ? 'Their content is the same.' : `They differ from byte ${offset} on.`,
      })
    })
}
