import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listOf, numberOf, numbersOf, numbersText, textAt, valueAt, withValue } from './draft.ts'

test('a value is put where it belongs, the rest stays, and the old draft too', () => {
  const draft = { mtu: 1500, dhcp: { start: '10.0.0.16', reservations: [{ mac: 'a' }, { mac: 'b' }] } }
  const changed = withValue(draft, 'dhcp.reservations.1.mac', 'c')
  assert.deepEqual(changed, {
    mtu: 1500,
    dhcp: { start: '10.0.0.16', reservations: [{ mac: 'a' }, { mac: 'c' }] },
  })
  assert.equal(draft.dhcp.reservations[1]!.mac, 'b')
  assert.deepEqual(withValue({}, 'dns.records.0.name', 'www'), { dns: { records: [{ name: 'www' }] } })
})

test('undefined takes a name away, and what it leaves empty, but no section and no row', () => {
  assert.deepEqual(withValue({ mtu: 1, notes: 'x' }, 'mtu', undefined), { notes: 'x' })
  assert.deepEqual(withValue({ dhcp: { start: 'x' } }, 'dhcp.start', undefined), { dhcp: {} })
  assert.deepEqual(withValue({ trunk: { listen: { port: 1 } } }, 'trunk.listen.port', undefined), {
    trunk: {},
  })
  const named = { dhcp: { classes: [{ vendorClass: { prefix: 'PXE' } }] } }
  assert.deepEqual(withValue(named, 'dhcp.classes.0.vendorClass.prefix', undefined), {
    dhcp: { classes: [{}] },
  })
})

test('texts become numbers and lists once they are such', () => {
  assert.deepEqual(['', ' 60 ', '1.5', '6o'].map(numberOf), [undefined, 60, 1.5, '6o'])
  assert.deepEqual(['', ' , ', 'a', 'a, b,'].map(listOf), [undefined, undefined, ['a'], ['a', 'b']])
  assert.deepEqual(numbersOf('0, 20, 1c, 0x1D, g', 16), [0, 0x20, 0x1c, 0x1d, 'g'])
  assert.deepEqual(numbersOf('0, 7, 1c', 10), [0, 7, '1c'])
  assert.equal(numbersText([0, 0x20, 0x1c, 'g'], 16), '00, 20, 1C, g')
  assert.equal(numbersText([0, 7], 10), '0, 7')
  assert.equal(textAt({ dns: ['a', 'b'] }, 'dns'), 'a, b')
  assert.equal(valueAt({ a: 1 }, 'a.b.c'), undefined)
})
