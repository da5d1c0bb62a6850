import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command } from 'commander'
import { collect, defineVerb } from './command.ts'

test('an option that begins with an empty list does not say so in the help; other defaults are shown', () => {
  const verb = defineVerb(new Command('disk'), 'ls <disk>', 'list')
    .option('--search <folder>', 'look here too', collect, [])
    .option('--limit <count>', 'so many', '5')
  const help = verb.helpInformation()
  assert.match(help, /look here too\n/)
  assert.match(help, /so many \(default: "5"\)/)
})
