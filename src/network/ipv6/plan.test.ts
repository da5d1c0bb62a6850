import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VivariumError } from '../../base/index.ts'
import { checkNetworkConfig } from '../check.ts'
import { formatIpv6 } from './address.ts'
import { routerAdvertisement } from './advertisement.ts'
import { ownPrefix, planIpv6 } from './plan.ts'
import type { Ipv6Settings } from './settings.ts'

const ADDRESS = '10.244.0.1/24'
const plan = (ipv6: Ipv6Settings, more: object = {}) => {
  const planned = planIpv6(checkNetworkConfig({ name: 'Lab', key: 'lab', address: ADDRESS, ...more, ipv6 }))
  assert.ok(planned)
  return planned
}
const refused = (ipv6: Ipv6Settings, message: RegExp, more?: object) =>
  assert.throws(
    () => plan(ipv6, more),
    (error) =>
      error instanceof VivariumError && error.code === 'ipv6-settings' && message.test(error.message),
  )

test('a network has a prefix of its own, always the same, unique and local', () => {
  assert.deepEqual(plan({}).prefix, ownPrefix('lab'))
  const key = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/)
  fc.assert(
    fc.property(key, key, (one, other) => {
      assert.match(formatIpv6(ownPrefix(one)), /^fd[0-9a-f]{0,2}:[0-9a-f:]*::$/)
      assert.equal(ownPrefix(one).length, 16)
      if (one !== other) assert.notDeepEqual(ownPrefix(one), ownPrefix(other))
    }),
  )
  assert.equal(planIpv6(checkNetworkConfig({ name: 'Lab', key: 'lab' })), undefined)
  assert.equal(planIpv6(checkNetworkConfig({ name: 'Lab', key: 'lab', ipv6: { enabled: false } })), undefined)
})

test('settings that cannot work are refused, each with its reason', () => {
  for (const prefix of [
    'fd00::',
    'fd00::/48',
    'fd00::1/64',
    'fe80::/64',
    'ff02::/64',
    '::/64',
    '10.0.0.0/64',
    '',
  ])
    refused({ prefix }, /no prefix that machines/)
  refused({ validSeconds: 100, preferredSeconds: 200, intervalSeconds: 60 }, /cannot be preferred/)
  refused({ preferredSeconds: 100 }, /would not last/)
  refused({}, /needs an MTU of 1280/, { mtu: 1279 })
  refused({ router: true }, /outside of this network/, { uplink: { kind: 'bridge', bridge: 'br0' } })
  assert.ok(plan({ router: true }, { uplink: { kind: 'nat' } }).isRouter)
  refused({}, /no address of its own/, { address: undefined })
  assert.throws(() => plan({ dns: ['10.0.0.1'] }), /not an IPv6 address/)
  assert.throws(() => plan({ searchList: ['a b'] }), /not a domain name/)
})

test('an advertisement, byte by byte', () => {
  const settings = { prefix: 'fd12:3456:789a::/64', dns: ['fd12::53'], searchList: ['lab.example'] }
  const bytes = routerAdvertisement(plan(settings, { mtu: 1400 }), 0x0256_0102_0304, 1800)
  const expected = [
    '40 00 0708 00000000 00000000',
    '01 01 025601020304',
    '03 04 40 c0 00278d00 00093a80 00000000 fd123456789a00000000000000000000',
    '05 01 0000 00000578',
    '19 03 0000 00000708 fd120000000000000000000000000053',
    // RFC 8106, 5.2: filled up with zeroes to eight bytes.
    '1f 03 0000 00000708 03 6c6162 07 6578616d706c65 00 000000',
  ]
  assert.equal(Buffer.from(bytes).toString('hex'), expected.join('').replaceAll(' ', ''))
})

test('the largest advertisement fits into the smallest MTU', () => {
  const long = `${'a'.repeat(63)}.${'b'.repeat(63)}`
  const most = { dns: Array(8).fill('fd00::1'), searchList: Array(8).fill(long) }
  const bytes = routerAdvertisement(plan(most, { mtu: 1280 }), 1, 0)
  assert.ok(40 + 4 + bytes.length <= 1280, `${bytes.length}`)
})
