import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MachineSummary, machineStateSchema } from '../../api/index.ts'
import { ACTION_LABELS, ALLOWED, type MachineAction, PRIMARY, whyNot } from './machine-actions.ts'
import { STATES } from './machine-states.ts'

const actions = Object.keys(ACTION_LABELS) as MachineAction[]

function machine(change: Partial<MachineSummary>): MachineSummary {
  return {
    id: 'a',
    name: 'A',
    path: '/a.vmc',
    inLibrary: true,
    state: 'TurnedOff',
    memoryMB: 64,
    engineWish: 'auto',
    uptimeSeconds: 0,
    cpuPercent: 0,
    thumbnail: 0,
    undo: { enabled: true, pending: true, sizeBytes: 1 },
    problems: { errors: 0, warnings: 0 },
    ...change,
  }
}

/** Undo disks as the action wants them: none for switching them, some for the rest. */
function undoFor(action: MachineAction): MachineSummary['undo'] {
  return { enabled: true, pending: action !== 'setUndo', sizeBytes: 1 }
}

test('every state has a look, and every refused action a reason that is a sentence', () => {
  for (const state of machineStateSchema.options) {
    assert.ok(STATES[state].label.length > 3)
    for (const action of actions) {
      const reason = whyNot(action, machine({ state, undo: undoFor(action) }))
      const allowed: readonly MachineAction[] = ALLOWED[state]
      assert.equal(reason === undefined, allowed.includes(action), `${action} in ${state}`)
      if (reason !== undefined) assert.match(reason, /^[A-Z].*\.$/)
    }
  }
})

test('a machine can only be in the middle of one thing', () => {
  for (const state of machineStateSchema.options) {
    if (!STATES[state].busy) assert.ok(ALLOWED[state].length > 0, state)
    if (STATES[state].on) assert.ok((ALLOWED[state] as readonly string[]).includes('turnOff'), state)
  }
})

test('the offered action is possible wherever the machine rests', () => {
  for (const state of machineStateSchema.options)
    if (!STATES[state].busy) assert.equal(whyNot(PRIMARY[state], machine({ state })), undefined, state)
})

test('undo disks: nothing to commit without changes, no switching with them', () => {
  const clean = machine({ undo: { enabled: true, pending: false, sizeBytes: 0 } })
  assert.match(whyNot('commitUndo', clean) ?? '', /no undo disks/)
  assert.equal(whyNot('setUndo', clean), undefined)
  assert.match(whyNot('setUndo', machine({})) ?? '', /Commit or discard/)
})

test('a refusal of the server is the reason under Turn on', () => {
  const refused = {
    ...machine({}),
    addedAt: '',
    adapterModel: 'auto' as const,
    drives: [],
    notes: [],
    refusals: [{ kind: 'busy' as const, code: 'disk-open', message: 'B has the disk open.' }],
    serialPorts: 0,
    argv: [],
  }
  assert.equal(whyNot('turnOn', refused), 'B has the disk open.')
})
