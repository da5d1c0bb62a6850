import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VivariumError } from '../../base/index.ts'
import { formatIpv4, parseIpv4 } from '../addresses.ts'
import { uint32Option } from './options.ts'
import { planDhcp } from './pool.ts'
import { type DhcpSettings, dhcpOptionsSchema } from './settings.ts'

const ip = (text: string) => parseIpv4(text)!

test('without settings: the example of the manual, 10.244.0.16 to .254, a day', () => {
  assert.deepEqual(planDhcp({}), {
    network: ip('10.244.0.0'),
    mask: ip('255.255.255.0'),
    start: ip('10.244.0.16'),
    end: ip('10.244.0.254'),
    server: ip('10.244.0.1'),
    dns: [],
    wins: [],
    leaseSeconds: 86_400,
    renewalSeconds: 43_200,
    rebindingSeconds: 75_600,
    options: { values: new Map([[28, uint32Option(ip('10.244.0.255'))]]), always: new Set() },
    relayed: [],
    classes: [],
    reservations: [],
    probe: true,
    rapidCommit: false,
    otherServers: 'stand-down',
  })
})

test('the internal network of Windows Virtual PC fits', () => {
  const pool = planDhcp({
    network: '169.254.0.0',
    mask: '255.255.0.0',
    start: '169.254.0.16',
    end: '169.254.10.254',
  })
  assert.deepEqual([pool.server, pool.end].map(formatIpv4), ['169.254.0.1', '169.254.10.254'])
})

const MAC = '00:03:ff:00:00:01'
const REFUSED: readonly (readonly [settings: DhcpSettings, field: string, message: RegExp])[] = [
  [{ network: '10.244' }, 'network', /"10\.244" is not an IPv4 address/],
  [{ network: '127.0.0.0' }, 'network', /class A, B or C/],
  [{ network: '224.0.0.0' }, 'network', /class A, B or C/],
  [{ network: '10.244.0.1' }, 'network', /not the first address/],
  [{ mask: '255.0.255.0' }, 'mask', /row of ones/],
  [{ network: '192.168.0.0', mask: '255.255.0.0' }, 'mask', /wider than the class .*\/24/],
  [{ mask: '255.255.255.240' }, 'mask', /leaves no address/],
  [{ mask: '255.255.255.255' }, 'mask', /leaves no address/],
  [{ start: '10.244.0.15' }, 'start', /10\.244\.0\.15; it must be in 10\.244\.0\.16 to 10\.244\.0\.254/],
  [{ start: '10.244.1.16' }, 'start', /must be in/],
  [{ end: '10.244.0.255' }, 'end', /must be in/],
  [{ start: '10.244.0.50', end: '10.244.0.49' }, 'end', /10\.244\.0\.50 to/],
  [{ server: '10.244.0.16' }, 'server', /10\.244\.0\.1 to 10\.244\.0\.15/],
  [{ server: '10.244.0.0' }, 'server', /must be in/],
  [{ gateway: '10.245.0.1' }, 'gateway', /must be in/],
  [{ dns: ['10.244.0.2', 'dc1'] }, 'dns.1', /"dc1"/],
  [{ reservations: [{ address: '10.9.0.5', mac: MAC }] }, 'reservations.0.address', /outside of the network/],
  [{ reservations: [{ address: '10.244.0.1', mac: MAC }] }, 'reservations.0.address', /address of a server/],
  [
    {
      reservations: [
        { address: '10.244.0.5', mac: MAC },
        { address: '10.244.0.5', clientId: '01' },
      ],
    },
    'reservations.1',
    /10\.244\.0\.5 is reserved twice/,
  ],
  [
    {
      reservations: [
        { address: '10.244.0.5', mac: MAC },
        { address: '10.244.0.6', mac: MAC },
      ],
    },
    'reservations.1',
    /has another reservation/,
  ],
  [{ subnets: [{ network: '10.244.0.0', mask: '255.255.255.128' }] }, 'subnets.0.network', /overlap/],
  [{ subnets: [{ network: '10.9.0.0', mask: '255.255.255.240' }] }, 'subnets.0.mask', /leaves no address/],
  [{ leaseSeconds: 59 }, 'leaseSeconds', /the least is 60 s/],
  [{ renewalSeconds: 29 }, 'renewalSeconds', /the least is 30 s/],
  [{ renewalSeconds: 100, rebindingSeconds: 100 }, 'rebindingSeconds', /over the renewal time/],
  [{ leaseSeconds: 100, rebindingSeconds: 100 }, 'leaseSeconds', /over the rebinding time/],
]

for (const [settings, field, message] of REFUSED) {
  test(`refused: ${JSON.stringify(settings)}`, () => {
    assert.throws(
      () => planDhcp(settings),
      (error) =>
        error instanceof VivariumError &&
        error.kind === 'invalid' &&
        error.where.field === `dhcp.${field}` &&
        message.test(error.message),
    )
  })
}

const faultyFields = (settings: DhcpSettings) => {
  try {
    planDhcp(settings)
    return []
  } catch (error) {
    return (error as VivariumError).faults.map(({ field }) => field.replace('dhcp.', ''))
  }
}

test('everything that is wrong is said at once, each at its field', () => {
  const settings = { start: '10.244.0.1', gateway: '1.2.3.4', leaseSeconds: 59 }
  assert.throws(() => planDhcp(settings), /start address .* gateway address .* lease time/)
  assert.deepEqual(faultyFields(settings), ['start', 'gateway', 'leaseSeconds'])
  assert.deepEqual(faultyFields({ mask: '255.0.255.0', server: 'x', renewalSeconds: 1, wins: ['y'] }), [
    ...['wins.0', 'server', 'mask', 'renewalSeconds'],
  ])
  const reservations = [
    { address: 'z', mac: MAC },
    { address: '10.9.0.5', clientId: '01' },
  ]
  assert.deepEqual(faultyFields({ end: '10.244.1.1', reservations }), [
    ...['end', 'reservations.0.address', 'reservations.1.address'],
  ])
})

test('what follows from a fault is none', () => {
  assert.deepEqual(faultyFields({ start: '10.244.9.9' }), ['start'])
  assert.deepEqual(faultyFields({ start: '10.244.0.1', server: '10.244.0.3' }), ['start'])
})

test('any prefix of a class A network that has room gives a pool that keeps the rules', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 8, max: 27 }),
      fc.integer({ min: 60, max: 0xffff_ffff }),
      (prefix, leaseSeconds) => {
        const mask = (0xffff_ffff << (32 - prefix)) >>> 0
        const pool = planDhcp({ network: '10.0.0.0', mask: formatIpv4(mask), leaseSeconds })
        assert.ok(pool.network < pool.server && pool.server < pool.start && pool.start <= pool.end)
        assert.equal(pool.end, 0x0a00_0000 + 2 ** (32 - prefix) - 2)
        assert.ok(pool.renewalSeconds < pool.rebindingSeconds && pool.rebindingSeconds < pool.leaseSeconds)
      },
    ),
  )
})

test('what no lease could bear is refused with the settings', () => {
  const refused: readonly unknown[] = [
    { options: [{ code: 53, type: 'number8', value: 2 }] },
    { options: [{ code: 42, type: 'addresses', value: ['ntp'] }] },
    { options: [{ code: 43, type: 'bytes', value: '0' }] },
    { options: [{ code: 23, type: 'number8', value: 256 }] },
    { options: [{ code: 66, type: 'text', value: 'bä' }] },
    { classes: [{ name: 'nobody' }] },
    { reservations: [{ address: '10.244.0.5' }] },
    { reservations: [{ address: '10.244.0.5', mac: '1' }] },
    { nodeType: 3 },
    { otherServers: 'perhaps' },
  ]
  for (const settings of refused)
    assert.equal(dhcpOptionsSchema.safeParse(settings).success, false, JSON.stringify(settings))
})
