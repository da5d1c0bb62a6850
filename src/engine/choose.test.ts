import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../base/index.ts'
import { chooseEngine } from './choose.ts'
import type { EngineFacts, RunAdapter, RunSpec } from './engine.ts'

const qemu: EngineFacts = {
  name: 'qemu',
  available: true,
  version: '7.2.22',
  reason: 'QEMU 7.2.22 is installed.',
  accelerators: [
    { name: 'kvm', usable: true, reason: '' },
    { name: 'tcg', usable: true, reason: '' },
  ],
  adapterModels: ['tulip', 'ne2k', 'pcnet', 'rtl8139', 'e1000', 'virtio'],
  limits: { memoryMB: 32768, drives: 4, adapters: 4 },
}
const slow: EngineFacts = { ...qemu, accelerators: [{ name: 'kvm', usable: false, reason: 'It hangs.' }] }
const noQemu: EngineFacts = { ...qemu, available: false, reason: 'QEMU is not installed. Install it.' }
const v86: EngineFacts = {
  name: 'v86',
  available: true,
  version: '0.5.462',
  reason: 'v86 is built in.',
  accelerators: [{ name: 'wasm', usable: true, reason: '' }],
  adapterModels: ['ne2k', 'virtio'],
  limits: { memoryMB: 2048, drives: 4, adapters: 4 },
}
const noV86: EngineFacts = { ...v86, available: false, reason: 'The package v86 is missing.' }

function spec(changes: Partial<RunSpec>): RunSpec {
  return {
    id: 'm1',
    name: 'M',
    runFolder: '/run/m1',
    memoryMB: 256,
    videoMemoryMB: 8,
    drives: [],
    floppies: [],
    adapters: [],
    serialPorts: 0,
    sound: false,
    accelerator: 'auto',
    ...changes,
  }
}

const adapter = (model: RunAdapter['model'], index = 0): RunAdapter => ({
  index,
  mac: '00:03:ff:00:00:01',
  model,
})

function choice(changes: Partial<RunSpec>, facts: EngineFacts[], wish: 'auto' | 'qemu' | 'v86' = 'auto') {
  try {
    const { engine, reason } = chooseEngine(spec(changes), facts, wish)
    return `${engine}: ${reason}`
  } catch (error) {
    assert.ok(error instanceof VivariumError, String(error))
    return `${error.kind} ${error.code}: ${error.message}`
  }
}

test('left to us: QEMU where the machine needs it or gains from it, else v86', () => {
  const both = [qemu, v86]
  const table: [Partial<RunSpec>, EngineFacts[], string][] = [
    [{}, both, 'qemu: QEMU 7.2.22 with KVM, the faster engine for this machine.'],
    [{}, [slow, v86], 'qemu: QEMU 7.2.22 without KVM, the faster engine for this machine.'],
    [
      { memoryMB: 16, adapters: [adapter('auto')] },
      both,
      'v86: v86, because with 16 MB of memory it is too small a machine to gain from QEMU.',
    ],
    [
      { memoryMB: 16, adapters: [adapter('tulip')] },
      both,
      'qemu: QEMU 7.2.22 with KVM, because it has a network adapter tulip, which v86 has not.',
    ],
    [
      { memoryMB: 16, accelerator: 'tcg' },
      both,
      'qemu: QEMU 7.2.22 without KVM, because TCG was chosen for it.',
    ],
    [
      { memoryMB: 3072 },
      both,
      'qemu: QEMU 7.2.22 with KVM, because it has 3072 MB of memory and v86 gives 2048 at most.',
    ],
    [{}, [noQemu, v86], 'v86: v86, because QEMU is not installed. Install it.'],
    [{ memoryMB: 16 }, [qemu, noV86], 'qemu: QEMU 7.2.22 with KVM, because v86 is not available.'],
    [{}, [v86], 'v86: v86, because QEMU is not here.'],
  ]
  for (const [changes, facts, expected] of table) assert.equal(choice(changes, facts), expected)
})

test('a machine that no engine here can run is refused with what is missing', () => {
  assert.equal(
    choice({ memoryMB: 3072 }, [noQemu, v86]),
    'unavailable engine-needs-qemu: This machine needs QEMU, because it has 3072 MB of memory and v86 gives 2048 at most; QEMU is not installed. Install it.',
  )
  assert.equal(
    choice({}, [noQemu, noV86]),
    'unavailable engine-needs-qemu: This machine needs QEMU, because v86 is not available; QEMU is not installed. Install it.',
  )
})

test('a wish is obeyed, or refused with how to get it; never exchanged', () => {
  assert.equal(
    choice({ memoryMB: 16 }, [qemu, v86], 'qemu'),
    'qemu: QEMU 7.2.22 with KVM, as chosen for this machine.',
  )
  assert.equal(choice({}, [qemu, v86], 'v86'), 'v86: v86 0.5.462, as chosen for this machine.')
  assert.equal(
    choice({}, [noQemu, v86], 'qemu'),
    'unavailable engine-unavailable: This machine is set to run on QEMU: QEMU is not installed. Install it.',
  )
  assert.equal(
    choice({}, [qemu], 'v86'),
    'unavailable engine-unavailable: This machine is set to run on v86: there is no such engine here.',
  )
})
