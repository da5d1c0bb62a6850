import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkSettingsSchema } from './settings.ts'
import { shapeFaults } from './shape-faults.ts'

const faults = (settings: unknown) => {
  const { error } = networkSettingsSchema.safeParse(settings)
  return error === undefined ? [] : shapeFaults(error).map(({ field, message }) => [field, message])
}

test('a setting that nobody knows is refused at its place, also one that is misspelt', () => {
  assert.deepEqual(faults({ dhcp: { foo: 1 } }), [['dhcp.foo', 'There is no setting "dhcp.foo".']])
  const [[field, message] = []] = faults({ dchp: { enabled: true } })
  assert.equal(field, 'dchp')
  assert.match(message!, /^There is no setting "dchp"; there are address, mtu, uplink, .*, dhcp, /)
  assert.deepEqual(
    faults(JSON.parse('{"__proto__": {"a": 1}, "dhcp": {"constructor": 1}}')).map(([place]) => place),
    ['__proto__', 'dhcp.constructor'],
  )
  assert.deepEqual(faults({ dns: { records: [{ name: 'a', type: 'A', value: '10.0.0.1', extra: 2 }] } }), [
    ['dns.records.0.extra', 'There is no setting "dns.records.0.extra".'],
  ])
})

test('a setting of another kind of uplink says so', () => {
  assert.deepEqual(faults({ uplink: { kind: 'none', forwards: [] } }), [
    ['uplink.forwards', 'There is no setting "uplink.forwards" where the kind is "none".'],
  ])
})

test('what is right is taken with its defaults, and what is wrong is told as before', () => {
  assert.deepEqual(faults({ dhcp: {}, notes: 'x', mtu: undefined }), [])
  assert.equal(networkSettingsSchema.parse({ dhcp: {} }).dhcp?.enabled, true)
  assert.deepEqual(
    faults({ mtu: 1, foo: 2 }).map(([place]) => place),
    ['mtu'],
  )
})
