import type { Command } from 'commander'
import { split as operation } from '../../../workshop/index.ts'
import { collect, defineVerb } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { runOperation } from '../../run-operation.ts'

interface SplitOptions {
  at?: string
  type?: string
  unprotect?: boolean
  search: string[]
  json?: boolean
}

export function split(disk: Command): void {
  defineVerb(disk, 'split <file>', 'make a differencing disk independent of its parents, in its place')
    .option('--at <disk>', 'cut the chain above this disk of it; right below the file when absent')
    .option('--type <subformat>', "dynamic, fixed ...; the format's growing kind when absent")
    .option('--unprotect', 'give back the right to write to the disk below, which clone --protect took')
    .option('--search <folder>', 'look for parent disks here too (repeat for more)', collect, [])
    .action((file: string, { at, type, unprotect, search, json }: SplitOptions) =>
      runOperation(
        operation,
        {
          path: pathOf(file),
          ...(at !== undefined && { at: pathOf(at) }),
          ...(type !== undefined && { subformat: type }),
          unprotect: unprotect === true,
        },
        {
          json,
          searchFolders: search.map(pathOf),
          describe: ({ path, subformat, independentOf, unprotected }) =>
            `${path} is ${subformat} now, and needs ${independentOf.join(', ')} no more.${unprotected ? ` ${independentOf[0]} may be written to again.` : ''}`,
        },
      ),
    )
}
