import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../../../base/index.ts'
import type { EngineFacts, RunSpec } from '../../engine.ts'
import { planQemu } from './plan.ts'
import { LIMITS } from './survey.ts'

const facts: EngineFacts = {
  name: 'qemu',
  available: true,
  version: '7.2.22',
  program: '/usr/bin/qemu-system-i386',
  reason: 'QEMU 7.2.22 is installed.',
  accelerators: [
    { name: 'kvm', usable: false, reason: 'A test guest did not finish under KVM within 3 seconds.' },
    { name: 'tcg', usable: true, reason: 'It always works.' },
  ],
  adapterModels: ['tulip', 'ne2k', 'pcnet', 'rtl8139', 'e1000', 'virtio'],
  limits: LIMITS,
}

const withKvm: EngineFacts = {
  ...facts,
  accelerators: [{ name: 'kvm', usable: true, reason: 'A test guest ran under KVM in 0.11 seconds.' }],
}

const bare: RunSpec = {
  id: 'm1',
  name: 'Bare',
  runFolder: '/run/m1',
  memoryMB: 64,
  videoMemoryMB: 4,
  drives: [],
  floppies: [],
  adapters: [],
  serialPorts: 0,
  sound: false,
  accelerator: 'auto',
}

/** The command line as text: an option and its value on one line. */
function commandLine(spec: Partial<RunSpec>, from = facts): string {
  const lines: string[] = []
  for (const word of planQemu({ ...bare, ...spec }, from).argv) {
    if (word.startsWith('-') || lines.length === 0) lines.push(word)
    else lines.push(`${lines.pop()} ${word}`)
  }
  return lines.join('\n')
}

/** Only what a machine has beyond the bare one. */
function added(spec: Partial<RunSpec>, from = facts): string {
  const before = new Set(commandLine({}).split('\n'))
  return commandLine(spec, from)
    .split('\n')
    .filter((line) => !before.has(line))
    .join('\n')
}

function failure(spec: Partial<RunSpec>, from = facts): string {
  try {
    planQemu({ ...bare, ...spec }, from)
  } catch (error) {
    assert.ok(error instanceof VivariumError, String(error))
    return `${error.kind} ${error.code}: ${error.message}`
  }
  return 'it was planned'
}

test('a bare machine', () => {
  assert.equal(
    commandLine({}),
    `/usr/bin/qemu-system-i386
-name guest=Bare
-no-user-config
-nodefaults
-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
-machine pc,hpet=off,dump-guest-core=off
-accel tcg,tb-size=256
-cpu qemu32
-m 64M
-rtc base=localtime
-boot menu=off
-chardev socket,id=qmp,path=/run/m1/qmp.sock,server=on,wait=off
-mon chardev=qmp,mode=control
-device cirrus-vga,addr=02,vgamem_mb=4
-vnc unix:/run/m1/console.sock,share=ignore`,
  )
})

test('hard disks come from our NBD server, at their exact places; CDs are raw and read-only', () => {
  const disk = { layers: ['/lib/child.vhd', '/lib/base.vhd'], writable: true }
  assert.equal(
    added({
      drives: [
        { channel: 1, unit: 0, kind: 'cd', image: '/iso/a,b.iso' },
        { channel: 0, unit: 0, kind: 'disk', disk },
        { channel: 1, unit: 1, kind: 'disk', disk },
        { channel: 0, unit: 1, kind: 'cd' },
      ],
    }),
    `-blockdev driver=raw,node-name=ide-1-0-0,read-only=on,file.driver=file,file.filename=/iso/a,,b.iso,file.read-only=on
-device ide-cd,id=ide-1-0,bus=ide.1,unit=0,bootindex=2,model=Virtual CD,drive=ide-1-0-0
-blockdev driver=nbd,node-name=ide-0-0,server.type=unix,server.path=/run/m1/disks.sock,export=ide-0-0,discard=unmap
-device ide-hd,id=ide-0-0,bus=ide.0,unit=0,drive=ide-0-0,bootindex=3,model=Virtual HD
-blockdev driver=nbd,node-name=ide-1-1,server.type=unix,server.path=/run/m1/disks.sock,export=ide-1-1,discard=unmap
-device ide-hd,id=ide-1-1,bus=ide.1,unit=1,drive=ide-1-1,bootindex=4,model=Virtual HD
-device ide-cd,id=ide-0-1,bus=ide.0,unit=1,bootindex=1,model=Virtual CD`,
  )
})

test('floppies boot first; an empty drive is there and not asked', () => {
  assert.equal(
    added({
      floppies: [
        { index: 0, image: '/f/boot.vfd', writable: true },
        { index: 1, writable: false },
      ],
      drives: [{ channel: 1, unit: 0, kind: 'cd' }],
    }),
    `-device ide-cd,id=ide-1-0,bus=ide.1,unit=0,bootindex=3,model=Virtual CD
-blockdev driver=raw,node-name=floppy-0-0,read-only=off,file.driver=file,file.filename=/f/boot.vfd,file.read-only=off
-device floppy,id=floppy-0,unit=0,drive=floppy-0-0
-global isa-fdc.bootindexA=1
-device floppy,id=floppy-1,unit=1`,
  )
})

test("each adapter has its own slot and hub; auto is the card nearest to Virtual PC's", () => {
  assert.equal(
    added({
      adapters: [
        { index: 0, mac: '00:03:FF:12:34:56', model: 'auto', switchSocket: '/run/sw/1' },
        { index: 2, mac: '00:03:ff:12:34:57', model: 'e1000' },
      ],
    }),
    `-netdev hubport,id=hub-0,hubid=0
-device tulip,id=nic-0,netdev=hub-0,mac=00:03:ff:12:34:56,addr=03,bootindex=1
-netdev hubport,id=hub-2,hubid=2
-device e1000,id=nic-2,netdev=hub-2,mac=00:03:ff:12:34:57,addr=05,bootindex=2`,
  )
  const noTulip: EngineFacts = { ...facts, adapterModels: ['rtl8139', 'pcnet'] }
  assert.match(
    added({ adapters: [{ index: 0, mac: '00:03:ff:00:00:01', model: 'auto' }] }, noTulip),
    /-device pcnet,/,
  )
})

test('sound, serial ports, GUID, video memory, a name with a comma', () => {
  assert.equal(
    added({
      name: 'Web, old',
      sound: true,
      serialPorts: 2,
      videoMemoryMB: 5,
      biosGuid: '{5E1B4F2C-0001-4A00-8B00-0123456789AB}',
    }),
    `-name guest=Web,, old
-uuid 5e1b4f2c-0001-4a00-8b00-0123456789ab
-device cirrus-vga,addr=02,vgamem_mb=8
-audiodev none,id=sound
-device sb16,audiodev=sound
-chardev socket,id=serial-0,path=/run/m1/serial0.sock,server=on,wait=off,logfile=/run/m1/serial0.log,logappend=on
-device isa-serial,chardev=serial-0,index=0
-chardev socket,id=serial-1,path=/run/m1/serial1.sock,server=on,wait=off,logfile=/run/m1/serial1.log,logappend=on
-device isa-serial,chardev=serial-1,index=1`,
  )
})

test('KVM only where it was proved, and where it is not forbidden', () => {
  const cases = [
    ['auto', facts, 'tcg'],
    ['auto', withKvm, 'kvm'],
    ['kvm', withKvm, 'kvm'],
    ['tcg', withKvm, 'tcg'],
    ['tcg', facts, 'tcg'],
  ] as const
  for (const [accelerator, from, expected] of cases) {
    const plan = planQemu({ ...bare, accelerator }, from)
    assert.equal(plan.accelerator, expected)
    assert.match(plan.argv.join(' '), expected === 'kvm' ? /-accel kvm -cpu/ : /-accel tcg,/)
  }
  assert.equal(
    failure({ accelerator: 'kvm' }),
    'unavailable kvm-unusable: A test guest did not finish under KVM within 3 seconds.',
  )
})

test('what the guest will not find is said, and only where it had it', () => {
  const codes = (spec: Partial<RunSpec>) =>
    planQemu({ ...bare, ...spec }, facts).notes.map(({ code, severity }) => `${severity} ${code}`)
  assert.deepEqual(codes({}), ['note qemu-video'])
  assert.deepEqual(
    codes({
      sound: true,
      drives: [{ channel: 0, unit: 0, kind: 'disk', disk: { layers: ['/a.vhd'], writable: true } }],
      adapters: [{ index: 0, mac: '00:03:ff:00:00:01', model: 'auto' }],
    }),
    ['note qemu-video', 'note qemu-ide', 'note qemu-network-adapter', 'note qemu-sound'],
  )
})

test('what cannot run is refused with the value and the limit', () => {
  const adapter = { index: 0, mac: '00:03:ff:00:00:01', model: 'auto' } as const
  const cd = { channel: 1, unit: 0, kind: 'cd' } as const
  const table: [Partial<RunSpec>, string][] = [
    [
      { memoryMB: 40000 },
      'unsupported qemu-limit: The machine has 40000 MB of memory; QEMU takes 1 to 32768.',
    ],
    [{ memoryMB: 1.5 }, 'unsupported qemu-limit: The machine has 1.5 MB of memory; QEMU takes 1 to 32768.'],
    [{ serialPorts: 3 }, 'unsupported qemu-limit: The machine has 3 serial ports; QEMU takes 0 to 2.'],
    [{ drives: [cd, cd] }, 'invalid qemu-machine-invalid: The machine has the IDE drive 1:0 twice.'],
    [
      { drives: [{ channel: 0, unit: 0, kind: 'disk' }] },
      'invalid qemu-machine-invalid: The hard disk 0:0 has no image.',
    ],
    [{ drives: [{ ...cd, image: 'a.iso' }] }, 'invalid qemu-path: The path is not absolute.'],
    [
      { adapters: [{ ...adapter, mac: 'x,y=z' }] },
      'invalid qemu-machine-invalid: "x,y=z" is not a MAC address.',
    ],
    [
      { adapters: [{ ...adapter, index: 9 }] },
      'invalid qemu-machine-invalid: There is no place 9 for a network adapter, only 0 to 3.',
    ],
    [{ biosGuid: '{1}' }, 'invalid qemu-machine-invalid: "{1}" is not a GUID.'],
    [
      { runFolder: `/${'x'.repeat(100)}` },
      'invalid socket-path-too-long: The path of the socket has 114 bytes; Unix allows 107.',
    ],
  ]
  for (const [spec, expected] of table) assert.equal(failure(spec), expected)
  const fewer: EngineFacts = { ...facts, adapterModels: ['e1000'] }
  assert.equal(
    failure({ adapters: [{ ...adapter, model: 'tulip' }] }, fewer),
    'unsupported qemu-no-adapter-model: This QEMU has no network adapter tulip.',
  )
  const missing: EngineFacts = { ...facts, available: false, reason: 'QEMU is not installed.' }
  assert.equal(failure({}, missing), 'unavailable qemu-missing: QEMU is not installed.')
})
