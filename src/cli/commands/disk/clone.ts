import type { Command } from 'commander'
import { formatSize } from '../../../base/index.ts'
import { clone as operation } from '../../../workshop/index.ts'
import { collect, defineVerb } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { runOperation } from '../../run-operation.ts'

interface CloneOptions {
  linked?: boolean
  full?: boolean
  protect?: boolean
  search: string[]
  json?: boolean
}

export function clone(disk: Command): void {
  defineVerb(disk, 'clone <base> <new>', 'make a second disk of one')
    .option('--linked', 'a differencing disk on top of the base (this is the default)')
    .option('--full', 'a copy of its own, with an id of its own')
    .option('--protect', 'take away the right to write to the base (disk split --unprotect gives it back)')
    .option('--search <folder>', 'look for parent disks here too (repeat for more)', collect, [])
    .action((base: string, target: string, { full, protect, search, json }: CloneOptions) =>
      runOperation(
        operation,
        {
          base: pathOf(base),
          target: pathOf(target),
          full: full === true,
          protect: protect === true,
        },
        {
          json,
          searchFolders: search.map(pathOf),
          describe: ({ path, subformat, format, virtualSize, linked }) =>
            `Made ${path}: ${subformat} ${format}, ${formatSize(virtualSize)}${linked ? `, on top of ${base}` : ''}.`,
        },
      ),
    )
}
