import type { Command } from 'commander'
import { repair as operation, type RepairResult } from '../../../workshop/index.ts'
import { defineVerb, setExitCode } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { renderActs } from '../../render/acts.ts'
import { renderProblems } from '../../render/problems.ts'
import { runOperation } from '../../run-operation.ts'

interface RepairOptions {
  dryRun?: boolean
  takeBack?: string | true
  format?: string
  fixed?: boolean
  json?: boolean
}

export function repair(disk: Command): void {
  defineVerb(disk, 'repair <file>', 'put right what is damaged in a disk image, keeping what it changes')
    .option('--dry-run', 'only show what would be done')
    .option('--take-back [backup]', 'take the last repair back, or the one of this backup')
    .option('--format <format>', 'what the file is, where it does not show it: vhd, vhdx, qcow2, vdi, vmdk')
    .option(
      '--fixed',
      'the file is the content of a fixed VHD that lost its footer, though nothing shows that',
    )
    .action(async (file: string, { dryRun, takeBack, format, fixed, json }: RepairOptions) => {
      const spec = {
        path: pathOf(file),
        dryRun: dryRun === true,
        ...(format !== undefined && { format }),
        fixed: fixed === true,
        takeBack: typeof takeBack === 'string' ? pathOf(takeBack) : takeBack === true,
      }
      await runOperation(operation, spec, { json, describe, onResult: chooseExitCode })
    })
}

function chooseExitCode({ remaining }: RepairResult): void {
  if (remaining.some(({ severity }) => severity === 'error')) setExitCode(1)
}

function describe(result: RepairResult): string {
  const { outcome, problems, acts, remaining, chain, backup, path } = result
  if (outcome === 'taken-back') return `Taken back: ${path} has its former bytes again.`
  const left = remaining.filter(({ severity }) => severity === 'error')
  if (outcome === 'nothing' && chain.length > 0)
    return [
      ...(problems.length > 0 ? [renderProblems(problems)] : []),
      'The file itself has no damage that a repair could mend, but its chain is broken:',
      renderProblems(chain),
    ].join('\n')
  if (outcome === 'nothing')
    return problems.length === 0
      ? 'No problems found.'
      : `${renderProblems(problems)}\nNothing has to be repaired.`
  if (outcome === 'hopeless')
    return `${renderProblems([...problems, ...chain])}\nNone of this can be repaired.`
  const ending =
    outcome === 'planned'
      ? 'Nothing was changed. To do it, leave --dry-run out.'
      : `Done. The former bytes are in ${backup}`
  const stays =
    left.length > 0
      ? [outcome === 'planned' ? 'It would stay wrong:' : 'It stays wrong:', renderProblems(left)]
      : []
  return [
    renderProblems(problems),
    '',
    outcome === 'planned' ? 'A repair would:' : 'Repaired:',
    renderActs(acts),
    ...stays,
    ending,
  ].join('\n')
}
