import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MacTable } from './mac-table.ts'

test('a station is found where it was last heard, for five minutes', () => {
  const table = new MacTable<string>()
  table.learn(0, 1, 'left', 0)
  table.learn(0, 1, 'right', 1000)
  assert.equal(table.find(0, 1, 301_000), 'right')
  assert.equal(table.find(0, 1, 301_001), undefined)
  assert.deepEqual([...table.entries(301_001)], [])
})

test('the stations of a port go with it', () => {
  const table = new MacTable<string>()
  table.learn(0, 1, 'left', 0)
  table.learn(0, 2, 'right', 0)
  table.forget('left')
  assert.equal(table.find(0, 1, 0), undefined)
  assert.equal(table.find(0, 2, 0), 'right')
})

test('a flood of invented addresses pushes out the oldest and stays bounded', () => {
  const table = new MacTable<string>()
  for (let mac = 0; mac < 20_000; mac++) table.learn(0, mac, 'left', mac)
  assert.equal([...table.entries(20_000)].length, 4096)
  assert.equal(table.find(0, 0, 20_000), undefined)
  assert.equal(table.find(0, 19_999, 20_000), 'left')
})

test('one address in two VLANs is two stations; a flood in one VLAN costs the other nothing', () => {
  const table = new MacTable<string>()
  table.learn(5, 1, 'left', 0)
  table.learn(6, 1, 'right', 0)
  assert.deepEqual(
    [table.find(5, 1, 0), table.find(6, 1, 0), table.find(0, 1, 0)],
    ['left', 'right', undefined],
  )
  for (let mac = 2; mac < 20_000; mac++) table.learn(7, mac, 'flood', mac)
  assert.deepEqual([table.find(5, 1, 1), table.find(6, 1, 1)], ['left', 'right'])
  for (let mac = 2; mac < 20_000; mac++) table.learn(8, mac, 'flood', mac)
  assert.equal([...table.entries(20_000)].length, 4096)
  table.forget('left')
  assert.deepEqual(
    [...table.entries(1)].filter(([, , vlan]) => vlan === 5),
    [],
  )
})
