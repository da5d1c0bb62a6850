import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plan } from '../engine/index.ts'
import { type DiskNeighbour, demandFree } from './disk-use.ts'

const machine = (name: string, chains: string[][], bases: string[] = [], running = true): DiskNeighbour => ({
  id: name,
  name,
  plan: running
    ? ({ spec: { drives: chains.map((layers) => ({ disk: { layers } })) } } as unknown as Plan)
    : undefined,
  nextRun: { bases: () => bases },
})

/** What machine "me" may do beside one other machine. */
const answer = (written: string[], read: string[], other: DiskNeighbour) => {
  try {
    demandFree('me', { written, read }, [machine('me', [[...written, ...read]]), other])
    return 'free'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('who may use which disk', () => {
  const table: [why: string, written: string[], read: string[], other: DiskNeighbour, expected: string][] = [
    ['another disk', ['a'], [], machine('other', [['b']]), 'free'],
    ['the same disk', ['a'], [], machine('other', [['a']]), 'disk-in-use'],
    ['the same parent, both only read it', ['a'], ['p'], machine('other', [['b', 'p']]), 'free'],
    ['a parent that the other writes', ['a'], ['p'], machine('other', [['p']]), 'disk-in-use'],
    ['writing a parent of a running machine', ['p'], [], machine('other', [['b', 'p']]), 'disk-in-use'],
    [
      'writing a parent of a machine that is off',
      ['p'],
      [],
      machine('other', [], ['p'], false),
      'disk-is-a-parent',
    ],
    ['reading a parent of a machine that is off', [], ['p'], machine('other', [], ['p'], false), 'free'],
  ]
  for (const [why, written, read, other, expected] of table)
    assert.equal(answer(written, read, other), expected, why)
})
