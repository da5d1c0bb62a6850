import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MachineDetails } from '../../../api/index.ts'
import { isAmong, problemsOf } from './problems-of.ts'

const missing = { code: 'vhd-parent-missing', message: 'The parent is missing.', next: 'Copy it.' }
const machine: MachineDetails = {
  id: 'a',
  name: 'A',
  path: '/a.vmc',
  inLibrary: false,
  state: 'TurnedOff',
  memoryMB: 64,
  engineWish: 'auto',
  uptimeSeconds: 0,
  cpuPercent: 0,
  thumbnail: 0,
  undo: { enabled: true, pending: false, sizeBytes: 0 },
  problems: { errors: 1, warnings: 0 },
  addedAt: '2026-01-01T00:00:00Z',
  adapterModel: 'auto',
  drives: [
    { channel: 0, unit: 0, kind: 'disk', layers: [], problems: [{ ...missing, severity: 'error' }] },
    {
      channel: 0,
      unit: 1,
      kind: 'disk',
      layers: [],
      problems: [{ code: 'other', message: 'Other.', severity: 'note' }],
    },
  ],
  notes: [],
  refusals: [{ kind: 'not-found', ...missing }],
  serialPorts: 0,
  argv: [],
}

test('what refuses the start comes first, and is not said again by its drive', () => {
  assert.deepEqual(problemsOf(machine), [
    { ...missing, severity: 'error' },
    { code: 'other', message: 'Other.', severity: 'note' },
  ])
})

test('an error of the last run that still stands is not shown twice', () => {
  const problems = problemsOf(machine)
  assert.equal(isAmong({ kind: 'not-found', ...missing }, problems), true)
  assert.equal(isAmong({ kind: 'io', code: 'qemu-died', message: 'QEMU ended.' }, problems), false)
})
