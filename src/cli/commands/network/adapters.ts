import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Adapter, Client } from '../../../api/index.ts'
import { VivariumError } from '../../../base/index.ts'
import { defineVerb, printJson } from '../../command.ts'
import { connect, findMachine, findNetwork } from '../../connection.ts'
import { renderAdapters } from '../../render/network.ts'

interface Json {
  json?: boolean
}

/** The cables between machines and networks. Adapters are counted from 1, as everywhere people see them. */
export function addAdapterVerbs(network: Command): void {
  defineVerb(network, 'ports', "every machine's adapters, and where their cables go")
    .option('--disconnected', 'only those that go nowhere')
    .action(async ({ json, disconnected }: Json & { disconnected?: boolean }) => {
      const client = connect()
      const all = await client('adapters', {})
      const adapters = disconnected ? all.filter((adapter) => adapter.network === undefined) : all
      if (json) printJson(adapters)
      else console.log(renderAdapters(adapters, await client('networks', {})))
    })
  defineVerb(
    network,
    'connect <machine> <adapter> <network>',
    'plug an adapter in, also of a running machine',
  ).action(async (machine: string, adapter: string, wanted: string, { json }: Json) => {
    const client = connect()
    const { key, name } = await findNetwork(client, wanted)
    await move(client, machine, adapter, key, json, `is plugged into "${name}"`)
  })
  defineVerb(network, 'disconnect <machine> <adapter>', "pull an adapter's cable").action(
    async (machine: string, adapter: string, { json }: Json) =>
      move(connect(), machine, adapter, null, json, 'is not connected'),
  )
  defineVerb(network, 'port <machine> <adapter>', "settings of an adapter's port on the switch")
    .addOption(new Option('--link <state>', 'down: as if the cable were pulled').choices(['up', 'down']))
    .addOption(new Option('--promiscuous <choice>', 'hears what is for others').choices(['on', 'off']))
    .addOption(
      new Option('--guard <choice>', 'only its own MAC, and the address that DHCP gave it').choices([
        'on',
        'off',
      ]),
    )
    .option('--loss <percent>', 'frames that get lost', parsePositive)
    .option('--delay <ms>', 'how much later they arrive', parsePositive)
    .option('--rate <Mbit/s>', 'how fast the line is', parsePositive)
    .option('--reorder <percent>', 'frames that later ones overtake', parsePositive)
    .option('--good-line', 'without loss, delay, rate and reordering')
    .action(changePort)
}

async function move(
  client: Client,
  machine: string,
  adapter: string,
  network: string | null,
  json: boolean | undefined,
  now: string,
): Promise<void> {
  const { id } = await findMachine(client, machine)
  const moved = await client('moveAdapter', { id, index: indexOf(adapter), network })
  const { previous } = moved
  const before = previous.kind === 'none' ? 'not connected' : `on "${previous.name}"`
  if (json) printJson(moved)
  else console.log(`${label(moved.adapter)} ${now}; it was ${before}.`)
}

interface PortOptions extends Json {
  link?: 'up' | 'down'
  promiscuous?: 'on' | 'off'
  guard?: 'on' | 'off'
  loss?: number
  delay?: number
  rate?: number
  reorder?: number
  goodLine?: boolean
}

async function changePort(machine: string, adapter: string, options: PortOptions): Promise<void> {
  const client = connect()
  const { id } = await findMachine(client, machine)
  const { link, promiscuous, guard, loss, delay, rate, reorder, goodLine } = options
  const conditions = {
    ...(loss !== undefined && { lossPercent: loss }),
    ...(delay !== undefined && { delayMs: delay }),
    ...(rate !== undefined && { rateMbps: rate }),
    ...(reorder !== undefined && { reorderPercent: reorder }),
  }
  const changed = await client('changePort', {
    id,
    index: indexOf(adapter),
    ...(link !== undefined && { linkUp: link === 'up' }),
    ...(promiscuous !== undefined && { promiscuous: promiscuous === 'on' }),
    ...(guard !== undefined && { guard: guard === 'on' ? {} : null }),
    ...(goodLine && { conditions: null }),
    ...(Object.keys(conditions).length > 0 && { conditions }),
  })
  if (options.json) printJson(changed)
  else console.log(`${label(changed)}: ${JSON.stringify(changed.settings)}`)
}

function label({ machineName, index }: Adapter): string {
  return `Adapter ${index + 1} of "${machineName}"`
}

function indexOf(text: string): number {
  if (/^[1-4]$/.test(text)) return Number(text) - 1
  throw new VivariumError('invalid', 'usage', `"${text}" is no adapter.`, {
    next: 'Adapters are counted from 1 to 4; see "vivarium network ports".',
  })
}

function parsePositive(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0) return value
  throw new InvalidArgumentError('It is not a number of 0 or more.')
}
