import type { Command } from 'commander'
import { formatSize } from '../../../base/index.ts'
import { merge as operation } from '../../../workshop/index.ts'
import { collect, defineVerb } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { runOperation } from '../../run-operation.ts'
import { type ImageOptions, imageOptions, wishOf } from './image-options.ts'

interface MergeOptions extends ImageOptions {
  out?: string
  to?: string
  into?: string
  deleteChild?: boolean
  force?: boolean
  search: string[]
  json?: boolean
}

export function merge(disk: Command): void {
  imageOptions(
    defineVerb(disk, 'merge <child>', 'write what a differencing or undo disk holds into its parent')
      .option('--into <file>', 'a disk further down its chain')
      .option('--out <file>', 'make a new disk of the whole chain instead')
      .option('--to <format>', 'with --out: its format; by the ending when absent'),
  )
    .option('--delete-child', 'remove the child, and the disks between, when all of it is there')
    .option('--force', 'even if other disks that lie on the parent are lost')
    .option('--search <folder>', 'look for parent disks here too (repeat for more)', collect, [])
    .action(mergeChild)
}

function mergeChild(child: string, options: MergeOptions): Promise<void> {
  const spec = {
    child: pathOf(child),
    ...(options.into !== undefined && { into: pathOf(options.into) }),
    ...(options.out !== undefined && { out: pathOf(options.out), ...wishOf(options.to, options) }),
    deleteChild: options.deleteChild === true,
    force: options.force === true,
  }
  return runOperation(operation, spec, {
    json: options.json,
    searchFolders: options.search.map(pathOf),
    describe: ({ into, bytes, deleted, superseded }) =>
      options.out !== undefined
        ? `Made ${into}: ${formatSize(bytes)} on this computer.`
        : `Merged ${formatSize(bytes)} into ${into}.${deleted ? ` Removed ${superseded.join(', ')}.` : ''}`,
  })
}
