import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isUndoOf, parseUndoFileName, undoFileName } from './undo-names.ts'

test('an undo disk is called as Virtual PC calls it', () => {
  const name = undoFileName('Windows_XP', { channel: 0, unit: 1 }, new Date('2007-03-04T05:06:07Z'))
  assert.equal(name, 'VirtualPCUndo_Windows_XP_0_1_05060703042007.vud')
  assert.deepEqual(parseUndoFileName(name), {
    machine: 'Windows_XP',
    channel: 0,
    unit: 1,
    time: '2007-03-04T05:06:07Z',
  })
})

test('every name that is made is read again', () => {
  fc.assert(
    fc.property(
      fc
        .string({ minLength: 1, maxLength: 90, unit: 'grapheme' })
        .filter((name) => !/[\n\r\u2028\u2029]/.test(name)),
      fc.nat(1),
      fc.nat(1),
      fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true }),
      (machine, channel, unit, time) => {
        const found = parseUndoFileName(undoFileName(machine, { channel, unit }, time))
        assert.ok(found !== undefined && isUndoOf(found, machine))
        assert.deepEqual([found.channel, found.unit], [channel, unit])
        assert.equal(Date.parse(found.time!), Math.floor(time.getTime() / 1000) * 1000)
      },
    ),
  )
})

test('other names are none, and a time that cannot be is left out', () => {
  for (const name of ['disk.vud', 'VirtualPCUndo_x_0_0_1.vud', 'VirtualPCUndo__0_0_00000001012000.vud'])
    assert.equal(parseUndoFileName(name), undefined)
  assert.equal(parseUndoFileName('VirtualPCUndo_x_0_0_00000099992000.vud')?.time, undefined)
})
