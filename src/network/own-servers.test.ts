import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkConfigSchema } from './network-config.ts'
import { withOwnServers } from './own-servers.ts'

const SERVER = 0x0a_f4_00_01

function given(settings: object) {
  const config = networkConfigSchema.parse({ name: 'Lab', key: 'lab', ...settings })
  const { dns, domain } = withOwnServers(config, SERVER).dhcp ?? {}
  return { dns, domain }
}

test('DHCP gives out the DNS server of the network, and its domain', () => {
  assert.deepEqual(given({ dhcp: {}, dns: {} }), { dns: ['10.244.0.1'], domain: 'lab.internal' })
  assert.deepEqual(given({ dhcp: {}, dns: { domain: 'lab.example' } }).domain, 'lab.example')
})

test('but not against its settings, nor a server that is off', () => {
  const dhcp = { dns: ['10.244.0.5'], domain: 'corp.example' }
  assert.deepEqual(given({ dhcp, dns: {} }), dhcp)
  for (const dns of [undefined, { enabled: false }])
    assert.deepEqual(given({ dhcp: {}, dns }), { dns: [], domain: undefined })
  assert.deepEqual(given({ dns: {} }), { dns: undefined, domain: undefined })
})

test('DHCP says how short the packets are, where they are shorter than Ethernet’s', () => {
  const options = (settings: object) =>
    withOwnServers(networkConfigSchema.parse({ name: 'Lab', key: 'lab', ...settings }), SERVER).dhcp?.options
  assert.deepEqual(options({ dhcp: {}, mtu: 1000 }), [{ code: 26, type: 'number16', value: 1000 }])
  const own = [{ code: 26, type: 'number16', value: 900 }]
  assert.deepEqual(options({ dhcp: { options: own }, mtu: 1000 }), own)
  for (const mtu of [undefined, 1500, 9000]) assert.ok(!options({ dhcp: {}, mtu })?.length)
})

test('the same holds for WINS', () => {
  const wins = (dhcp: object, settings: object) => {
    const config = networkConfigSchema.parse({ name: 'Lab', key: 'lab', dhcp, wins: settings })
    return withOwnServers(config, SERVER).dhcp?.wins
  }
  assert.deepEqual(wins({}, {}), ['10.244.0.1'])
  assert.deepEqual(wins({ wins: ['10.244.0.5'] }, {}), ['10.244.0.5'])
  assert.deepEqual(wins({}, { enabled: false }), [])
})
