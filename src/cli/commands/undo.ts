import type { Command } from 'commander'
import { formatSize } from '../../base/index.ts'
import {
  createUndoDisks,
  discardUndoDisks,
  type FoundUndo,
  keepUndoDisks,
  type UndoStatus,
  undoCommit,
  undoRecover,
  undoStatus,
} from '../../workshop/index.ts'
import { collect, defineCommand, defineVerb, printJson, runCommand } from '../command.ts'
import { pathOf } from '../path.ts'
import { renderProblems } from '../render/problems.ts'
import { runOperation } from '../run-operation.ts'

/** On the command line the user names the files, so they may lie anywhere. */
const ROOTS = ['/']

interface Options {
  json?: boolean
}

export function run(args: string[]): Promise<number> {
  const undo = defineCommand(
    'vivarium undo',
    'Undo disks of a machine file, as Virtual PC keeps them beside it.',
  )
  create(undo)
  status(undo)
  commit(undo)
  keep(undo)
  discard(undo)
  recover(undo)
  return runCommand(undo, args)
}

function create(undo: Command): void {
  defineVerb(undo, 'create <machine>', 'put an undo disk on every hard disk of the machine').action(
    async (machine: string, { json }: Options) => {
      const result = await createUndoDisks(pathOf(machine), ROOTS)
      if (json) {
        printJson(result)
        return
      }
      if (result.problems.length > 0) console.error(renderProblems(result.problems))
      if (result.created.length === 0) console.log('Every disk has its undo disk already.')
      for (const { place, undo: path } of result.created) console.log(`${place}: made ${path}`)
    },
  )
}

function status(undo: Command): void {
  defineVerb(undo, 'status <machine>', 'which undo disks there are, and how large').action(
    (machine: string, { json }: Options) => {
      const result = undoStatus(pathOf(machine), ROOTS)
      if (json) printJson(result)
      else console.log(renderStatus(result))
    },
  )
}

function commit(undo: Command): void {
  defineVerb(undo, 'commit <machine>', 'write the changes into the disks and remove the undo disks').action(
    (machine: string, { json }: Options) =>
      runOperation(
        undoCommit,
        { machine: pathOf(machine) },
        {
          json,
          describe: ({ drives, bytes = 0 }) =>
            `Committed ${formatSize(bytes)} into ${drives.map(({ base }) => base).join(', ')}.`,
        },
      ),
  )
}

function keep(undo: Command): void {
  defineVerb(undo, 'keep <machine>', 'leave the changes undecided, and record that this is meant').action(
    (machine: string, { json }: Options) => {
      const result = keepUndoDisks(pathOf(machine), ROOTS)
      if (json) printJson(result)
      else
        console.log(
          `Kept: the machine goes on with ${result.drives.map(({ undo: path }) => path).join(', ')}.`,
        )
    },
  )
}

function discard(undo: Command): void {
  defineVerb(undo, 'discard <machine>', 'throw the changes away').action(
    async (machine: string, { json }: Options) => {
      const result = await discardUndoDisks(pathOf(machine), ROOTS)
      if (json) {
        printJson(result)
        return
      }
      if (result.problems?.length) console.error(renderProblems(result.problems))
      const paths = result.drives.map(({ undo: path }) => path)
      console.log(paths.length === 0 ? 'No file was removed.' : `Discarded ${paths.join(', ')}.`)
    },
  )
}

interface RecoverOptions extends Options {
  search: string[]
  attach?: boolean
  commit?: boolean
}

function recover(undo: Command): void {
  defineVerb(undo, 'recover <file>', 'find the disk and the machine that an undo disk belongs to')
    .option('--search <folder>', 'look for the disk and the machine here too (repeat for more)', collect, [])
    .option('--attach', 'record it in the machine file again')
    .option('--commit', 'write its changes into its disk and remove it')
    .action((file: string, options: RecoverOptions) => {
      const spec = { undo: pathOf(file), attach: options.attach === true, commit: options.commit === true }
      return runOperation(undoRecover, spec, {
        json: options.json,
        searchFolders: options.search.map(pathOf),
        describe: (found) => renderFound(found, spec),
      })
    })
}

function renderStatus({ name, enabled, drives, orphans }: UndoStatus): string {
  const lines = drives.map(({ place, base, state, undo, recordedAs, fileSize = 0, allocated = 0 }) => {
    if (state === 'none') return `${place}  ${base}: no undo disk`
    const size = undo === undefined ? '' : `, ${formatSize(allocated)} of changes in ${formatSize(fileSize)}`
    return `${place}  ${base}: ${undo ?? recordedAs} (${state}${size})`
  })
  return [
    `${name}: undo disks are ${enabled ? 'on' : 'off'}.`,
    ...lines,
    ...orphans.map((path) => `not recorded: ${path} (vivarium undo recover tells more)`),
  ].join('\n')
}

function renderFound(
  found: FoundUndo,
  { attach, commit: isCommit }: { attach: boolean; commit: boolean },
): string {
  const { undo, name, base, machine, place, recorded, problems } = found
  return [
    undo,
    ...(name
      ? [`  made for: ${name.machine}, IDE ${name.channel}:${name.unit}${name.time ? `, ${name.time}` : ''}`]
      : []),
    `  made on:  ${base ?? 'a disk that was not found'}`,
    `  machine:  ${machine === undefined ? 'none was found that has this disk' : `${machine}, ${place}`}${recorded ? ' (recorded there)' : ''}`,
    ...(attach ? ['Attached.'] : []),
    ...(isCommit ? ['Committed and removed.'] : []),
    ...(problems.length === 0 ? [] : [renderProblems(problems)]),
  ].join('\n')
}
