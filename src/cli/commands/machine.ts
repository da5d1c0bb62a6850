import { writeFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Client, CreateMachine, MachineSummary } from '../../api/index.ts'
import { parseSize, VivariumError } from '../../base/index.ts'
import { systemError } from '../../system/index.ts'
import { defineCommand, defineVerb, printJson, runCommand } from '../command.ts'
import { connect, findMachine, followTask } from '../connection.ts'
import { pathOf } from '../path.ts'
import { renderMachineDetails, renderMachineList } from '../render/machine.ts'
import { renderProblems } from '../render/problems.ts'

interface Json {
  json?: boolean
}

export function run(args: string[]): Promise<number> {
  const machine = defineCommand('vivarium machine', 'Machines of the running server.')
  addRegistering(machine)
  addShowing(machine)
  addRunning(machine)
  addUsing(machine)
  return runCommand(machine, args)
}

function addRegistering(machine: Command): void {
  defineVerb(
    machine,
    'add <file>',
    'register an existing machine by its .vmc; it stays where it lies',
  ).action(async (file: string, { json }: Json) => {
    const added = await connect()('addMachine', { path: pathOf(file) })
    report(added, json, `Added "${added.name}".${added.undo.enabled ? ' It runs with undo disks.' : ''}`)
  })
  defineVerb(machine, 'new <name>', 'create a machine')
    .option('--memory <mb>', 'memory', parseNumber, 128)
    .option('--disk <size>', 'a new disk of this size, for example 16G', '16G')
    .option('--fixed', 'the new disk takes all its space at once')
    .option('--parent <file>', 'instead: a differencing disk on top of this one')
    .option('--use-disk <file>', 'instead: a disk that exists')
    .option('--no-disk', 'without a hard disk')
    .option('--cd <file>', 'ISO image for the CD drive')
    .option('--network <name>', 'virtual network')
    .option('--location <folder>', 'where its folder is made (default: the library)')
    .option('--os <name>', 'guest operating system, for your information')
    .option('--undo', 'run with undo disks')
    .action(create)
  defineVerb(machine, 'remove <machine>', 'take a machine from the list')
    .option('--delete-files', 'delete its folder too; only for machines in the library')
    .action(async (wanted: string, { json, deleteFiles }: Json & { deleteFiles?: boolean }) => {
      const client = connect()
      const found = await findMachine(client, wanted)
      await client('removeMachine', { id: found.id, deleteFiles: deleteFiles ?? false })
      report(found, json, `Removed "${found.name}".`)
    })
  defineVerb(machine, 'set <machine>', 'change how it is run')
    .addOption(new Option('--engine <name>').choices(['auto', 'qemu', 'v86']))
    .addOption(
      new Option('--adapter <model>').choices([
        'auto',
        'tulip',
        'ne2k',
        'pcnet',
        'rtl8139',
        'e1000',
        'virtio',
      ]),
    )
    .addOption(new Option('--undo <choice>').choices(['on', 'off']))
    .action(async (wanted: string, options: Json & { engine?: string; adapter?: string; undo?: string }) => {
      const client = connect()
      const { id } = await findMachine(client, wanted)
      const changed = await client('changeMachine', {
        id,
        ...(options.engine !== undefined && { engineWish: options.engine as 'auto' }),
        ...(options.adapter !== undefined && { adapterModel: options.adapter as 'auto' }),
        ...(options.undo !== undefined && { undo: options.undo === 'on' }),
      })
      report(changed, options.json, `Changed "${changed.name}".`)
    })
}

interface NewOptions extends Json {
  memory: number
  disk: string | false
  fixed?: boolean
  parent?: string
  useDisk?: string
  cd?: string
  network?: string
  location?: string
  os?: string
  undo?: boolean
}

async function create(name: string, options: NewOptions): Promise<void> {
  const client = connect()
  const { taskId } = await client('createMachine', {
    name,
    memoryMB: options.memory,
    disk: diskOf(options),
    undo: options.undo ?? false,
    ...(options.cd !== undefined && { cd: pathOf(options.cd) }),
    ...(options.network !== undefined && { network: options.network }),
    ...(options.location !== undefined && { location: pathOf(options.location) }),
    ...(options.os !== undefined && { guestOs: options.os }),
  })
  const { notes = [] } = await followTask(client, taskId)
  if (notes.length > 0) console.error(renderProblems(notes))
  const made = await findMachine(client, name)
  report(made, options.json, `Created "${made.name}" in ${made.path}.`)
}

function diskOf(options: NewOptions): CreateMachine['disk'] {
  if (options.disk === false) return { kind: 'none' }
  if (options.parent !== undefined) return { kind: 'differencing', parent: pathOf(options.parent) }
  if (options.useDisk !== undefined) return { kind: 'existing', path: pathOf(options.useDisk) }
  const sizeBytes = parseSize(options.disk)
  if (sizeBytes === undefined) {
    throw new VivariumError('invalid', 'invalid-size', `"${options.disk}" is no size.`, {
      where: { field: '--disk' },
      next: 'Write it like 512M or 16G.',
    })
  }
  return { kind: 'new', subformat: options.fixed ? 'fixed' : 'dynamic', sizeBytes }
}

function addShowing(machine: Command): void {
  defineVerb(machine, 'list', 'all machines').action(async ({ json }: Json) => {
    const machines = await connect()('machines', {})
    if (json) printJson(machines)
    else console.log(renderMachineList(machines))
  })
  defineVerb(machine, 'show <machine>', 'everything about one machine').action(
    async (wanted: string, { json }: Json) => {
      const client = connect()
      const { id } = await findMachine(client, wanted)
      const details = await client('machine', { id })
      if (json) printJson(details)
      else console.log(renderMachineDetails(details))
    },
  )
}

const RUNNING_VERBS = [
  ['start', 'turn it on', 'startMachine', 'is running'],
  ['pause', 'freeze it', 'pauseMachine', 'is paused'],
  ['resume', 'let it go on', 'resumeMachine', 'is running'],
  ['reset', 'press the reset button', 'resetMachine', 'was reset'],
  ['shut-down', 'press the power button', 'shutDownMachine', 'was asked to shut down'],
] as const

function addRunning(machine: Command): void {
  for (const [verb, summary, route, done] of RUNNING_VERBS) {
    defineVerb(machine, `${verb} <machine>`, summary).action((wanted: string, { json }: Json) =>
      act(wanted, json, (client, id) => client(route, { id }), done),
    )
  }
  defineVerb(machine, 'stop <machine>', 'turn it off, like pulling the plug')
    .addOption(
      new Option('--undo <choice>', 'what becomes of its undo disks')
        .choices(['keep', 'discard', 'commit'])
        .default('keep'),
    )
    .action((wanted: string, { json, undo }: Json & { undo: 'keep' | 'discard' | 'commit' }) =>
      act(wanted, json, (client, id) => client('turnOffMachine', { id, undo }), 'is turned off'),
    )
  defineVerb(machine, 'discard <machine>', 'throw the changes in its undo disks away').action(
    (wanted: string, { json }: Json) =>
      act(wanted, json, (client, id) => client('discardUndo', { id }), 'is as it was before'),
  )
  defineVerb(machine, 'commit <machine>', 'write the changes in its undo disks into its own disks').action(
    async (wanted: string, { json }: Json) => {
      const client = connect()
      const { id } = await findMachine(client, wanted)
      await followTask(client, (await client('commitUndo', { id })).taskId)
      const changed = await findMachine(client, id)
      report(changed, json, `The changes are in the disks of "${changed.name}".`)
    },
  )
}

function addUsing(machine: Command): void {
  defineVerb(machine, 'console <machine>', 'print a link that opens its console in a browser').action(
    async (wanted: string, { json }: Json) => {
      const client = connect()
      const { id } = await findMachine(client, wanted)
      const { url } = await client('newSignInLink', {})
      const link = url.replace('/sign-in#', `/sign-in?to=/machines/${id}#`)
      if (json) printJson({ url: link })
      else console.log(link)
    },
  )
  defineVerb(machine, 'screenshot <machine> <file>', 'save its screen as PNG').action(
    async (wanted: string, file: string, { json }: Json) => {
      const path = pathOf(file)
      const client = connect()
      const { id } = await findMachine(client, wanted)
      const { png } = await client('screenshot', { id })
      try {
        writeFileSync(file, Buffer.from(png, 'base64'))
      } catch (error) {
        throw systemError(error, file)
      }
      if (json) printJson({ path })
      else console.log(`Saved ${file}.`)
    },
  )
  defineVerb(machine, 'type <machine> [text]', 'type text into it')
    .option('--keys <names>', 'press keys by name instead, for example Ctrl-Alt-Del')
    .action(async (wanted: string, text: string | undefined, { json, keys }: Json & { keys?: string }) => {
      if ((text === undefined) === (keys === undefined)) {
        throw new VivariumError('invalid', 'nothing-to-type', 'Give either a text or --keys.', {
          next: 'For example: vivarium machine type Hello "dir" --json',
        })
      }
      // A shell passes "\n" as two characters; whoever types into a machine means Enter.
      const typed = text?.replaceAll('\\n', '\n')
      const input = { ...(typed !== undefined && { text: typed }), ...(keys !== undefined && { keys }) }
      const client = connect()
      const found = await findMachine(client, wanted)
      await client('typeKeys', { id: found.id, ...input })
      report(found, json, `Typed into "${found.name}".`)
    })
  defineVerb(machine, 'cd <machine> [file]', 'put an ISO image in its CD drive; without a file, take it out')
    .option('--position <position>', 'IDE channel:unit', '1:0')
    .action(
      async (wanted: string, file: string | undefined, { json, position }: Json & { position: string }) => {
        const match = /^([01]):([01])$/.exec(position)
        if (match === null) {
          throw new VivariumError('invalid', 'invalid-position', `"${position}" is no position.`, {
            where: { field: '--position' },
            next: 'Write the IDE channel and unit, each 0 or 1, like 1:0.',
          })
        }
        const client = connect()
        const found = await findMachine(client, wanted)
        const path = file === undefined ? null : pathOf(file)
        await client('changeCd', { id: found.id, channel: Number(match[1]), unit: Number(match[2]), path })
        report(found, json, path === null ? 'The drive is empty.' : `Inserted ${path}.`)
      },
    )
}

async function act(
  wanted: string,
  json: boolean | undefined,
  action: (client: Client, id: string) => Promise<MachineSummary>,
  done: string,
): Promise<void> {
  const client = connect()
  const { id } = await findMachine(client, wanted)
  const after = await action(client, id)
  report(
    after,
    json,
    `"${after.name}" ${done}.${after.engine === undefined ? '' : ` ${after.engine.reason}`}`,
  )
}

function report(machine: MachineSummary, json: boolean | undefined, sentence: string): void {
  if (json) printJson(machine)
  else console.log(sentence)
}

function parseNumber(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value)) throw new InvalidArgumentError('It is not a whole number.')
  return value
}
