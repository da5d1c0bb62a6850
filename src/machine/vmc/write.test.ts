import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../../base/index.ts'
import { findElement, getValue } from '../preferences/access.ts'
import { setValue } from '../preferences/edit.ts'
import { createVmc } from './create.ts'
import { readVmc } from './read.ts'
import {
  removeSavedState,
  setAdapter,
  setAdapterCount,
  setDrive,
  setFloppy,
  setGuestOs,
  setMemory,
  setNotes,
  setSerialPort,
  setSound,
  setUndoDisk,
  setUndoEnabled,
} from './write.ts'

const fresh = () => createVmc({ memoryMB: 64, drives: [] })
const machineOf = (document: ReturnType<typeof fresh>) => readVmc(document, 'a').machine

function refused(action: () => void, code: string): void {
  assert.throws(
    action,
    (error) => error instanceof VivariumError && error.kind === 'invalid' && error.code === code,
  )
}

test('memory stays within what the products give', () => {
  const document = fresh()
  setMemory(document, 3712)
  assert.equal(machineOf(document).memoryMB, 3712)
  for (const mb of [3, 3713, 64.5, Number.NaN, -1])
    refused(() => setMemory(document, mb), 'memory-out-of-range')
  assert.equal(machineOf(document).memoryMB, 3712)
})

test('a drive is put in, changed to a CD and taken out', () => {
  const document = fresh()
  setDrive(document, 1, 1, { kind: 'disk', image: { relative: '.\\a.vhd' } })
  setUndoDisk(document, 1, 1, { relative: '.\\a.vud' })
  assert.deepEqual(machineOf(document).drives, [
    {
      bus: 'ide',
      channel: 1,
      unit: 1,
      kind: 'disk',
      image: { relative: '.\\a.vhd' },
      undo: { relative: '.\\a.vud' },
    },
  ])
  setDrive(document, 1, 1, { kind: 'disk', image: { relative: '.\\b.vhd' } })
  assert.equal(machineOf(document).drives[0]?.undo, undefined)
  setDrive(document, 1, 1, { kind: 'cd' })
  assert.deepEqual(machineOf(document).drives, [{ bus: 'ide', channel: 1, unit: 1, kind: 'cd' }])
  const place = 'hardware/pci_bus/ide_adapter/ide_controller[@id=1]/location[@id=1]'
  assert.equal(findElement(document, `${place}/undo_pathname`), undefined)
  setDrive(document, 1, 1, undefined)
  assert.deepEqual(machineOf(document).drives, [])
  refused(() => setDrive(document, 2, 0, undefined), 'position-invalid')
  refused(() => setFloppy(document, 2, undefined), 'position-invalid')
})

test('an adapter is fitted, moved to another network and switched off', () => {
  const document = fresh()
  setAdapter(document, 1, { mac: '00-03-FF-00-00-01' })
  assert.deepEqual(
    machineOf(document).adapters.map(({ mac }) => mac),
    ['00:03:ff:00:00:01', undefined],
  )
  setAdapter(document, 0, {
    mac: '0003FF000002',
    network: { kind: 'network', id: '{9DA6388C-D5D6-11DC-8286-9F7981B495DE}', name: 'Lab' },
  })
  assert.deepEqual(machineOf(document).adapters[0], {
    index: 0,
    mac: '00:03:ff:00:00:02',
    network: { kind: 'network', id: '9da6388c-d5d6-11dc-8286-9f7981b495de', name: 'Lab' },
  })
  setAdapter(document, 0, { network: { kind: 'none' } })
  assert.deepEqual(machineOf(document).adapters[0]?.network, { kind: 'none' })
  setAdapterCount(document, 0)
  assert.deepEqual(machineOf(document).adapters, [])
  setValue(document, 'hardware/pci_bus/ethernet_adapter/controller_count', 'string', 'many')
  setAdapter(document, 0, {})
  assert.equal(machineOf(document).adapters.length, 1)
  refused(() => setAdapter(document, 4, {}), 'position-invalid')
  refused(() => setAdapterCount(document, 5), 'too-many-adapters')
  refused(() => setAdapter(document, 0, { mac: '01:03:ff:00:00:01' }), 'mac-invalid')
  refused(() => setAdapter(document, 0, { mac: '00:03:ff' }), 'mac-invalid')
  refused(() => setAdapter(document, 0, { network: { kind: 'network', id: '7', name: '' } }), 'network-id')
})

test('ports keep what they were connected to before', () => {
  const document = fresh()
  setSerialPort(document, { index: 0, kind: 'file', path: 'a.log' })
  setSerialPort(document, { index: 0, kind: 'pipe', path: '\\\\.\\pipe\\a' })
  assert.deepEqual(machineOf(document).serialPorts, [{ index: 0, kind: 'pipe', path: '\\\\.\\pipe\\a' }])
  assert.equal(getValue(document, 'hardware/super_io/serial_port[@id=0]/text_file_path'), 'a.log')
  setSerialPort(document, { index: 0, kind: 'none' })
  assert.deepEqual(machineOf(document).serialPorts, [{ index: 0, kind: 'none' }])
  refused(() => setSerialPort(document, { index: 2, kind: 'none' }), 'position-invalid')
})

test('the rest of the settings', () => {
  const document = fresh()
  setUndoEnabled(document, true)
  setSound(document, false)
  setNotes(document, 'a <b>\nc')
  setGuestOs(document, 'Debian')
  setFloppy(document, 0, { relative: '.\\a.vfd' })
  setValue(document, 'settings/configuration/saved_state/path/absolute', 'string', 'C:\\a.vsv')
  const machine = machineOf(document)
  assert.deepEqual(
    [machine.undoEnabled, machine.sound, machine.notes, machine.guestOs, machine.savedState],
    [true, false, 'a <b>\nc', 'Debian', { absolute: 'C:\\a.vsv' }],
  )
  assert.deepEqual(machine.floppies, [{ index: 0, image: { relative: '.\\a.vfd' } }])
  removeSavedState(document)
  setNotes(document, '')
  assert.deepEqual([machineOf(document).savedState, machineOf(document).notes], [undefined, undefined])
  refused(() => setNotes(document, 'x'.repeat(40_001)), 'notes-too-long')
  setGuestOs(document, 'code 10')
  assert.equal(getValue(document, 'settings/guest_os'), 10)
})
