import { dirname } from 'node:path'
import { isMachineText } from '../../server/inspection.ts'
import { check } from '../../workshop/check.ts'
import { collect, defineCommand, printJson, runCommand, setExitCode } from '../command.ts'
import { pathOf } from '../path.ts'
import { renderProblems } from '../render/problems.ts'
import { runOperation } from '../run-operation.ts'
import { type InspectOptions, inspect } from './inspect.ts'

interface CheckOptions extends InspectOptions {
  deep?: boolean
  format?: string
}

export function run(args: string[]): Promise<number> {
  const command = defineCommand(
    'vivarium check',
    'Show the problems of a disk or machine file; exit 1 if one is an error.',
  )
    .argument('<file>')
    .option('--deep', 'read bitmaps and data of a disk too, which takes longer')
    .option('--format <format>', 'what a disk is, where the file does not show it: vhd, vhdx, qcow2 ...')
    .option('--root <folder>', 'a folder that the file may refer into (repeat for more)', collect, [])
    .option('--search <folder>', 'look for parent disks here too (repeat for more)', collect, [])
    .option('--json', 'one JSON document on standard output')
    .action(async (file: string, options: CheckOptions) => {
      const path = pathOf(file)
      if (isMachineText(path)) checkMachine(path, options)
      else await checkDisk(path, options)
    })
  return runCommand(command, args)
}

function checkMachine(path: string, options: CheckOptions): void {
  const { problems } = inspect(path, options)
  if (options.json) printJson({ problems })
  else console.log(problems.length === 0 ? 'No problems found.' : renderProblems(problems))
  if (problems.some(({ severity }) => severity === 'error')) setExitCode(1)
}

async function checkDisk(path: string, options: CheckOptions): Promise<void> {
  const { deep, format, root, search, json } = options
  await runOperation(
    check,
    { path, deep: deep === true, format },
    {
      json,
      roots: root.length > 0 ? [dirname(path), ...root.map(pathOf)] : ['/'],
      searchFolders: [dirname(path), ...search.map(pathOf)],
      describe: ({ problems }) => (problems.length === 0 ? 'No problems found.' : renderProblems(problems)),
      onResult: ({ problems }) => {
        if (problems.some(({ severity }) => severity === 'error')) setExitCode(1)
      },
    },
  )
}
