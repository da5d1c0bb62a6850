import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHex } from '../base/index.ts'
import { masterBootRecord } from './partition-table.ts'

test('an entry says where a partition lies, in both ways of counting', () => {
  const record = masterBootRecord(
    Uint8Array.of(0xfa, 0xf4),
    [{ type: 0x83, active: true, start: 63, sectors: 4032 }],
    1,
  )
  assert.equal(record.length, 512)
  assert.equal(toHex(record.subarray(0, 3)), 'faf400')
  assert.equal(toHex(record.subarray(440, 446)), '010000000000')
  // Sector 63 is cylinder 0, head 1, sector 1; sector 4094 is cylinder 4, head 0, sector 63 (counted from 1).
  assert.equal(toHex(record.subarray(446, 462)), '80010100' + '83003f04' + '3f000000' + 'c00f0000')
  assert.equal(toHex(record.subarray(462)), `${'00'.repeat(48)}55aa`)
})

test('what lies beyond cylinder 1023 is shown as the last place that fits', () => {
  const start = 16 * 63 * 2000
  const record = masterBootRecord(new Uint8Array(), [{ type: 0x83, active: false, start, sectors: 1 }], 0)
  assert.equal(toHex(record.subarray(446, 454)), '000fffff' + '830fffff')
})

test('code and partitions that do not fit are refused', () => {
  const partition = { type: 0x83, active: false, start: 63, sectors: 1 }
  assert.throws(() => masterBootRecord(new Uint8Array(441), [], 0), { kind: 'invalid' })
  assert.throws(() => masterBootRecord(new Uint8Array(), new Array(5).fill(partition), 0), {
    kind: 'invalid',
  })
})
