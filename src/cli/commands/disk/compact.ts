import type { Command } from 'commander'
import { formatSize } from '../../../base/index.ts'
import { type CompactResult, compact as operation } from '../../../workshop/index.ts'
import { collect, defineVerb } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { runOperation } from '../../run-operation.ts'

interface CompactOptions {
  zeroesOnly?: boolean
  dryRun?: boolean
  search: string[]
  json?: boolean
}

export function compact(disk: Command): void {
  defineVerb(
    disk,
    'compact <file>',
    'make a disk file smaller: zeroes go, and what its file systems do not use',
  )
    .option('--zeroes-only', 'keep what file systems do not use')
    .option('--dry-run', 'only tell what would be saved')
    .option('--search <folder>', 'look here for parents and children too (repeat for more)', collect, [])
    .action(async (file: string, { zeroesOnly, dryRun, search, json }: CompactOptions) => {
      const spec = { path: pathOf(file), zeroesOnly: zeroesOnly === true, dryRun: dryRun === true }
      await runOperation(operation, spec, {
        json,
        searchFolders: search.map(pathOf),
        describe,
      })
    })
}

function describe({
  path,
  measured,
  before,
  after,
  saved,
  savedByFreeSpace,
  savedByZeroes,
  dryRun,
}: CompactResult): string {
  const isRoom = measured === 'room-on-host'
  if (saved === 0)
    return isRoom
      ? `${path} takes ${formatSize(before)} of room on the host, and cannot take less.`
      : `${path} is ${formatSize(before)} long, and cannot be shorter.`
  const parts = [
    savedByZeroes > 0 ? `${formatSize(savedByZeroes)} of zeroes` : undefined,
    savedByFreeSpace > 0 ? `${formatSize(savedByFreeSpace)} of free space` : undefined,
  ].filter((part) => part !== undefined)
  const does = isRoom ? (dryRun ? 'would take' : 'takes') : dryRun ? 'would be' : 'is'
  const what = isRoom ? 'of room on the host' : 'long'
  return `${path} ${does} ${formatSize(after)} ${what} instead of ${formatSize(before)}: ${parts.join(' and ')} saved.`
}
