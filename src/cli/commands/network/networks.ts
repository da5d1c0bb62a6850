import type { Command } from 'commander'
import type { NetworkSummary } from '../../../api/index.ts'
import { defineVerb, printJson } from '../../command.ts'
import { connect, findNetwork } from '../../connection.ts'
import { pathOf } from '../../path.ts'
import { renderNetworkDetails, renderNetworkList } from '../../render/network.ts'
import { addSettingOptions, type SettingOptions, settingsFrom } from './settings.ts'

interface Json {
  json?: boolean
}

/** The networks themselves: list, show, new, add, set, remove. */
export function addNetworkVerbs(network: Command): void {
  defineVerb(network, 'list', 'all networks').action(async ({ json }: Json) => {
    const networks = await connect()('networks', {})
    if (json) printJson(networks)
    else console.log(renderNetworkList(networks))
  })
  defineVerb(network, 'show <network>', 'everything about one network').action(
    async (wanted: string, { json }: Json) => {
      const client = connect()
      const details = await client('network', { key: (await findNetwork(client, wanted)).key })
      if (json) printJson(details)
      else console.log(renderNetworkDetails(details))
    },
  )
  addSettingOptions(
    defineVerb(network, 'new <name>', 'create a network; without options, guests only'),
  ).action(async (name: string, options: SettingOptions & Json) => {
    const made = await connect()('createNetwork', { name, settings: settingsFrom({}, options) })
    report(made, options.json, `Created "${made.name}" in ${made.path}.`)
  })
  defineVerb(
    network,
    'add <file>',
    'register a .vnc where it lies, or import the networks of an Options.xml',
  ).action(async (file: string, { json }: Json) => {
    const added = await connect()('addNetworks', { path: pathOf(file) })
    if (json) printJson(added)
    else if (added.length === 0) console.log('There is nothing new in it.')
    else for (const { name } of added) console.log(`Added "${name}".`)
  })
  addSettingOptions(
    defineVerb(network, 'set <network>', 'change its settings, also while machines are on it'),
  )
    .option('--name <name>', 'call it so; its file is renamed')
    .action(async (wanted: string, options: SettingOptions & Json & { name?: string }) => {
      const client = connect()
      const { key } = await findNetwork(client, wanted)
      const { settings } = await client('network', { key })
      const changed = await client('changeNetwork', {
        key,
        settings: settingsFrom(settings, options),
        ...(options.name !== undefined && { name: options.name }),
      })
      report(changed, options.json, `Changed "${changed.name}".`)
    })
  defineVerb(network, 'remove <network>', 'take a network from the list; its file stays')
    .option('--force', 'unplug running machines from it')
    .option('--delete-file', 'delete its file too')
    .action(async (wanted: string, options: Json & { force?: boolean; deleteFile?: boolean }) => {
      const client = connect()
      const found = await findNetwork(client, wanted)
      const { force = false, deleteFile = false } = options
      await client('removeNetwork', { key: found.key, force, deleteFile })
      report(found, options.json, `Removed "${found.name}".`)
    })
}

function report(network: NetworkSummary, json: boolean | undefined, sentence: string): void {
  if (json) printJson(network)
  else console.log(sentence)
}
