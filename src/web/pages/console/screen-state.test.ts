import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineStateSchema } from '../../../api/index.ts'
import { coverOf, whyNoKeys } from './screen-state.ts'

test('the screen is free only of a running machine with a connection', () => {
  const free = machineStateSchema.options.filter((state) => coverOf(state, 'connected') === 'none')
  assert.deepEqual(free, ['Running'])
  assert.equal(coverOf('Running', 'none'), 'connecting')
  assert.equal(coverOf('Running', 'lost'), 'reconnecting')
})

test('what is off, paused or on its way says so, connected or not', () => {
  for (const connection of ['none', 'connecting', 'connected', 'lost'] as const) {
    assert.equal(coverOf('TurnedOff', connection), 'off')
    assert.equal(coverOf('Saved', connection), 'off')
    assert.equal(coverOf('Paused', connection), 'paused')
    assert.equal(coverOf('TurningOn', connection), 'busy')
    assert.equal(coverOf('Invalid', connection), 'invalid')
  }
})

test('keys are refused with a reason wherever something lies over the screen', () => {
  for (const state of machineStateSchema.options) {
    const cover = coverOf(state, 'lost')
    assert.match(whyNoKeys(cover) ?? '', /\.$/)
  }
  assert.equal(whyNoKeys('none'), undefined)
})
