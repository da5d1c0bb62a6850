import type { Command } from 'commander'
import { formatSize, plural } from '../../../base/index.ts'
import { copyOut, openInside, parseInsidePath } from '../../../workshop/index.ts'
import { collect, defineVerb } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { runOperation } from '../../run-operation.ts'
import { INSIDE_PATHS } from './inside-paths.ts'

interface CpOptions {
  force?: boolean
  search: string[]
  json?: boolean
}

export function cp(disk: Command): void {
  defineVerb(
    disk,
    'cp <disk> <path> <target>',
    'copy a file or folder out of a disk, without starting a machine',
  )
    .option('--force', 'replace files that are there')
    .option('--search <folder>', 'look for parent disks here too (repeat for more)', collect, [])
    .addHelpText('after', INSIDE_PATHS)
    .action(copy)
}

async function copy(file: string, text: string, target: string, options: CpOptions): Promise<void> {
  const path = pathOf(file)
  const searchFolders = options.search.map(pathOf)
  const inside = openInside(path, { roots: ['/'], searchFolders })
  try {
    const { volume, path: wanted } = parseInsidePath(text, await inside.volumes())
    await runOperation(
      copyOut,
      {
        path,
        ...(volume !== undefined && { volume }),
        inside: wanted,
        target: pathOf(target),
        force: options.force === true,
      },
      {
        json: options.json,
        searchFolders,
        describe: (done) =>
          `Copied ${plural(done.files, 'file')}${done.links > 0 ? ` and ${plural(done.links, 'link')}` : ''} (${formatSize(done.bytes)}) to ${done.target}.`,
      },
    )
  } finally {
    inside.close()
  }
}
