import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunSpec } from '../../engine.ts'
import { v86Engine } from './index.ts'

const facts = await v86Engine.survey()

const spec: RunSpec = {
  id: '1',
  name: 'Old',
  runFolder: '/run/1',
  memoryMB: 128,
  videoMemoryMB: 8,
  drives: [{ channel: 0, unit: 0, kind: 'disk', disk: { layers: ['/a.vhd'], writable: true } }],
  floppies: [{ index: 0, writable: true }],
  adapters: [{ index: 0, mac: '00:03:ff:12:34:56', model: 'auto' }],
  serialPorts: 2,
  sound: true,
  accelerator: 'auto',
}

const codes = (change: Partial<RunSpec>) =>
  v86Engine.plan({ ...spec, ...change }, facts).notes.map(({ code }) => code)
const refuses = (change: Partial<RunSpec>, error: object) =>
  assert.throws(() => v86Engine.plan({ ...spec, ...change }, facts), error)

test('v86 is always there', () => {
  assert.ok(facts.available)
  assert.match(facts.version!, /^0\.5\.\d+$/)
})

test('the plan keeps the machine and tells what is different', () => {
  const plan = v86Engine.plan(spec, facts)
  assert.deepEqual([plan.engine, plan.accelerator, plan.argv, plan.spec], ['v86', 'wasm', [], spec])
  assert.deepEqual(codes({}), [
    'v86-acpi',
    'v86-processor',
    'v86-video',
    'v86-ide',
    'v86-network-adapter',
    'v86-sound',
  ])
  assert.deepEqual(codes({ sound: false, drives: [], adapters: [] }), [
    'v86-acpi',
    'v86-processor',
    'v86-video',
  ])
})

test('a card that v86 lacks becomes an NE2000, and the note says so', () => {
  const note = (model: 'tulip' | 'virtio' | 'ne2k', count = 1) => {
    const adapters = Array.from({ length: count }, (_, index) => ({ ...spec.adapters[0]!, index, model }))
    return v86Engine
      .plan({ ...spec, adapters }, facts)
      .notes.find(({ code }) => code === 'v86-network-adapter')!.message
  }
  assert.match(note('tulip'), /NE2000 \(PCI\) instead of tulip/)
  assert.match(note('virtio'), /is a virtio adapter/)
  assert.match(note('virtio', 2), /NE2000 \(PCI\) instead of virtio/)
})

test('what v86 cannot run is refused', () => {
  const limit = (field: string) => ({ kind: 'unsupported', code: 'v86-limit', where: { field } })
  refuses({ memoryMB: 3000 }, limit('memoryMB'))
  refuses({ memoryMB: 0 }, limit('memoryMB'))
  refuses({ serialPorts: 3 }, limit('serialPorts'))
  refuses(
    { adapters: Array.from({ length: 5 }, (_, index) => ({ ...spec.adapters[0]!, index })) },
    limit('adapters'),
  )
  refuses({ accelerator: 'kvm' }, { kind: 'unsupported', code: 'v86-no-kvm' })
})

test('a machine that contradicts itself is refused', () => {
  const contradiction = { kind: 'invalid', code: 'machine-contradiction' }
  refuses({ drives: [spec.drives[0]!, { ...spec.drives[0]!, kind: 'cd' }] }, contradiction)
  refuses({ drives: [{ channel: 0, unit: 0, kind: 'disk' }] }, contradiction)
  refuses({ adapters: [{ ...spec.adapters[0]!, mac: '00:03' }] }, contradiction)
})
