import { type Command, Option } from 'commander'
import { formatSize, parseSize, VivariumError } from '../../../base/index.ts'
import { type ExpandResult, expand as operation } from '../../../workshop/index.ts'
import { collect, defineVerb } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { runOperation } from '../../run-operation.ts'

interface ExpandOptions {
  size?: string
  by?: string
  search: string[]
  json?: boolean
}

export function expand(disk: Command): void {
  defineVerb(disk, 'expand <file>', 'make a disk larger, with all that is on it')
    .option('--size <size>', 'its new size, for example 32G')
    .addOption(new Option('--by <size>', 'by how much it grows, for example 8G').conflicts('size'))
    .option('--search <folder>', 'look here for parents and children too (repeat for more)', collect, [])
    .action(async (file: string, { size, by, search, json }: ExpandOptions) => {
      const spec = {
        path: pathOf(file),
        ...(by === undefined
          ? { sizeBytes: demandSize('--size', size) }
          : { byBytes: demandSize('--by', by) }),
      }
      await runOperation(operation, spec, {
        json,
        searchFolders: search.map(pathOf),
        describe,
      })
    })
}

function demandSize(field: string, text: string | undefined): number {
  const size = text === undefined ? undefined : parseSize(text)
  if (size !== undefined) return size
  throw new VivariumError(
    'invalid',
    'invalid-size',
    text === undefined ? 'The size is missing.' : `"${text}" is no size.`,
    { where: { field }, next: 'Write it like --size 32G, or like --by 8G.' },
  )
}

function describe({ path, before, after, how, gptMoved }: ExpandResult): string {
  const moved = gptMoved ? ' The copy of its partition table was moved to the new end.' : ''
  if (how === 'none') return `${path} has ${formatSize(after)} already.${moved}`
  return `${path} has ${formatSize(after)} now, and had ${formatSize(before)}.${moved}`
}
