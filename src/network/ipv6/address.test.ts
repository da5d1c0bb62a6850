import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatMac } from '../addresses.ts'
import { formatIpv6, groupMac, linkLocalAddress, parseIpv6, solicitedNodeGroup } from './address.ts'
import { ipv6 } from './testing.ts'

test('every address survives', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      assert.deepEqual(parseIpv6(formatIpv6(bytes)), bytes)
    }),
  )
})

test('the examples of RFC 5952', () => {
  for (const [text, form] of [
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:DB8::AAAA', '2001:db8::aaaa'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['FF02::1', 'ff02::1'],
  ] as const)
    assert.equal(formatIpv6(ipv6(text)), form)
  for (const text of [
    '',
    '1',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    'fe80::1%eth0',
    '10.0.0.1',
    'g::',
  ])
    assert.equal(parseIpv6(text), undefined, text)
})

test('addresses and groups of a station', () => {
  // RFC 2464, 4 and 7; RFC 4291, 2.7.1 has the group.
  assert.equal(formatIpv6(linkLocalAddress(0x3456_789a_bcde)), 'fe80::3656:78ff:fe9a:bcde')
  assert.equal(formatIpv6(solicitedNodeGroup(ipv6('4037::01:800:200e:8c6c'))), 'ff02::1:ff0e:8c6c')
  assert.equal(formatMac(groupMac(ipv6('ff02::1:ff0e:8c6c'))), '33:33:ff:0e:8c:6c')
})
