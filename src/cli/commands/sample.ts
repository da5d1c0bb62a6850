import { Option } from 'commander'
import { VivariumError } from '../../base/index.ts'
import { samples } from '../../sample/index.ts'
import { makeFolder } from '../../system/index.ts'
import { defineCommand, printJson, runCommand } from '../command.ts'
import { pathOf } from '../path.ts'
import { showProgress } from '../progress.ts'
import { inControl } from '../run-operation.ts'

interface SampleOptions {
  out?: string
  disk: 'dynamic' | 'fixed' | 'differencing'
  json?: boolean
}

export function run(args: string[]): Promise<number> {
  const command = defineCommand(
    'vivarium sample',
    `Build a sample machine: ${samples.map(({ name }) => name).join(', ')}.`,
  )
    .argument('<name>')
    .option('--out <folder>', 'where to build it (default: a folder of its name here)')
    .addOption(new Option('--disk <type>').choices(['dynamic', 'fixed', 'differencing']).default('dynamic'))
    .option('--json', 'one JSON document on standard output')
    .action(build)
  return runCommand(command, args)
}

async function build(name: string, { out, disk, json }: SampleOptions): Promise<void> {
  const sample = samples.find((each) => each.name === name)
  if (sample === undefined) {
    throw new VivariumError('invalid', 'unknown-sample', `There is no sample "${name}".`, {
      next: `There are: ${samples.map((each) => each.name).join(', ')}.`,
    })
  }
  const folder = pathOf(out ?? name)
  makeFolder(folder, 0o777)
  const wish = { diskType: disk, onProgress: (percent: number, text: string) => showProgress(percent, text) }
  const { result: built } = await inControl(
    { title: `Build ${name}`, ifStopped: 'The machine was not made.' },
    ({ signal }) => sample.build(folder, { ...wish, signal }),
  )
  if (json) printJson(built)
  else console.log(`Built ${built.vmcPath}. Run it with "vivarium open '${built.vmcPath}'".`)
}
