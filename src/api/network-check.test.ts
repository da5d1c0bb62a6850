import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dhcpDefaults, networkFaults } from './network-check.ts'

const fields = (settings: unknown) => networkFaults(settings).map(({ field }) => field)

test('faults name their field: those of the shape all at once, those of a rule after it', () => {
  assert.deepEqual(networkFaults({ dhcp: {}, mtu: 1500 }), [])
  assert.deepEqual(fields({ mtu: 5, dhcp: { leaseSeconds: 'x' }, notes: 7 }).sort(), [
    ...['dhcp.leaseSeconds', 'mtu', 'notes'],
  ])
  assert.deepEqual(fields({ dhcp: { start: '10.244.0.3' } }), ['dhcp.start'])
  assert.match(
    networkFaults({ dhcp: { start: '10.244.0.3' } })[0]!.message,
    /10\.244\.0\.16 to 10\.244\.0\.254/,
  )
  assert.deepEqual(
    fields({ dhcp: { enabled: false, start: '10.244.0.3' } }),
    [],
    'what is off breaks no rule',
  )
  assert.deepEqual(fields({ dhcp: {}, uplink: { kind: 'nat', forwards: [{ hostPort: 80 }] } }), [
    ...['uplink.forwards.0.guestAddress', 'uplink.forwards.0.guestPort'],
  ])
})

test('several faults are each at their field, of one service and of others', () => {
  const dhcp = { start: '10.244.0.3', gateway: '1.2.3.4', dns: ['10.0.0.1', 'dc1'] }
  assert.deepEqual(fields({ dhcp }), ['dhcp.dns.1', 'dhcp.start', 'dhcp.gateway'])
  const names = [
    { name: 'NAS', address: '10.244.0.9', suffixes: [0] },
    { name: 'nas', address: '10.244.0.8', suffixes: [0] },
  ]
  const twice = { title: 'Linux', kernel: 'linux' }
  const records = [
    { name: 'www', type: 'A', value: '10.0.0.1' },
    { name: 'www', type: 'A', value: 'x' },
  ]
  assert.deepEqual(
    fields({
      dhcp: { ...dhcp, dns: [] },
      dns: { records, forwarders: ['host', 'y'] },
      wins: { names },
      ipv6: { prefix: 'z' },
      pxe: { folder: 'boot', entries: [twice, twice], default: 'DOS' },
    }),
    [
      ...['dhcp.start', 'dhcp.gateway', 'dns.records.1', 'dns.forwarders.1', 'ipv6.prefix'],
      ...['pxe.folder', 'pxe.entries.1.title', 'pxe.default', 'wins.names.1.name'],
    ],
  )
  const forwards = [1, 2].map(() => ({ hostPort: 80, guestAddress: '10.9.0.1', guestPort: 80 }))
  assert.deepEqual(fields({ dhcp: {}, uplink: { kind: 'nat', forwards } }), [
    ...['uplink.forwards.0.guestAddress', 'uplink.forwards.1.hostPort', 'uplink.forwards.1.guestAddress'],
  ])
})

test('a wrong shape hides no broken rule elsewhere, and makes none', () => {
  const dhcp = { start: '10.244.0.3', leaseSeconds: 'x', reservations: [{ address: '10.244.0.5', mac: 'y' }] }
  const names = [{ name: 'a b', address: '10.244.0.9' }]
  assert.deepEqual(fields({ dhcp, wins: { names }, pxe: {}, ipv6: { prefix: 'z' } }), [
    ...['dhcp.leaseSeconds', 'dhcp.reservations.0.mac', 'wins.names.0.name', 'pxe.folder'],
    ...['dhcp.start', 'ipv6.prefix'],
  ])
  assert.deepEqual(fields({ address: '10.0.0.300/24', dns: {}, wins: {} }), ['address'])
  assert.deepEqual(fields({ uplink: { kind: 'x' }, dhcp: {}, dns: { forwarders: ['y'] } }), [
    ...['uplink.kind', 'dns.forwarders.0'],
  ])
  assert.deepEqual(fields(7), [''])
})

test('of a thing with several shapes the fault is that of the one that was meant', () => {
  const pxe = (more: object) => networkFaults({ dhcp: {}, pxe: { folder: '/boot', ...more } })
  assert.deepEqual(pxe({ entries: [{ title: 'a' }] }), [
    { field: 'pxe.entries.0', message: 'An entry has a title, and a kernel or else a boot file.' },
  ])
  const entry = { title: 'a', kernel: 'k', initrd: ['i', 'http://a b/'] }
  assert.deepEqual(pxe({ entries: [{ ...entry, title: 'a # b' }, entry] }), [
    { field: 'pxe.entries.0.title', message: 'A title has no "${", "||", "&&", ";" or "#".' },
    { field: 'pxe.entries.0.initrd.1', message: 'A URL has no spaces.' },
    { field: 'pxe.entries.1.initrd.1', message: 'A URL has no spaces.' },
  ])
  assert.deepEqual(pxe({ romMenu: { prompt: 'Press F8' } }), [
    { field: 'pxe.romMenu.items', message: 'The menu of the boot ROM has no items.' },
  ])
  const vendorClass = { prefix: 'MSFT', equals: 'MSFT 5.0' }
  assert.deepEqual(fields({ dhcp: { classes: [{ name: 'Windows', vendorClass }] } }), [
    ...['dhcp.classes.0.vendorClass'],
  ])
  const suffixes = [0, 'g', 256]
  assert.deepEqual(fields({ dhcp: {}, wins: { names: [{ name: 'NAS', address: '10.0.0.9', suffixes }] } }), [
    ...['wins.names.0.suffixes.1', 'wins.names.0.suffixes.2'],
  ])
})

test('defaults follow from network, mask and lease time', () => {
  assert.deepEqual(dhcpDefaults(), {
    ...{ start: '10.244.0.16', end: '10.244.0.254', server: '10.244.0.1' },
    ...{ renewalSeconds: 43_200, rebindingSeconds: 75_600 },
  })
  assert.equal(dhcpDefaults({ network: '192.168.7.0', mask: '255.255.255.128' })?.end, '192.168.7.126')
  assert.equal(dhcpDefaults({ network: '300.1' }), undefined)
})
