import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detectFormat } from '../detect.ts'
import type { PreferencesDocument } from '../preferences/document.ts'
import { formatPreferences } from '../preferences/format.ts'
import { parsePreferences } from '../preferences/parse.ts'
import { readVnc } from './read.ts'
import { createVnc, updateVnc, type VncSettings } from './write.ts'

const parse = (text: string) => parsePreferences(new TextEncoder().encode(text), '/lab.vnc')
const format = (document: PreferencesDocument) =>
  new TextDecoder(document.encoding).decode(formatPreferences(document))
const again = (document: PreferencesDocument) => parsePreferences(formatPreferences(document), '/lab.vnc')

const FULL: VncSettings = {
  id: 'abababab-abab-abab-abab-abababababab',
  hostAdapter: 'Intel(R) PRO/100',
  notes: 'Two lines\nof notes & more',
  dhcp: {
    enabled: true,
    network: '10.244.0.0',
    mask: '255.255.0.0',
    start: '10.244.0.16',
    end: '10.244.255.254',
    server: '10.244.0.1',
    gateway: '10.244.0.1',
    dns: ['10.0.0.1', '10.0.0.2'],
    wins: ['10.0.0.3'],
    leaseSeconds: 86_400,
    renewalSeconds: 43_200,
    rebindingSeconds: 64_800,
  },
  own: { mtu: 9000, dhcp: { reservations: [{ mac: '00:03:ff:00:00:01', address: '10.244.0.99' }] } },
}

test('a file that was made says all that it was made with', () => {
  const document = again(createVnc('/lab.vnc', FULL))
  assert.equal(detectFormat(document), 'vnc', 'by its content')
  const { networks, problems } = readVnc(document, 'lab')
  assert.deepEqual(networks, [{ name: 'lab', ...FULL }])
  assert.deepEqual(problems, [])
})

test('it has the keys of Options.xml, and what Virtual Server lacked is in a group of its own', () => {
  const text = format(createVnc('/lab.vnc', FULL))
  assert.ok(text.includes('\t\t\t\t<starting_ip_address type="integer">183762960</starting_ip_address>\r\n'))
  assert.ok(text.includes('<id type="bytes">ABABABABABABABABABABABABABABABAB</id>'))
  assert.ok(text.includes('<dns_servers type="string">10.0.0.1, 10.0.0.2</dns_servers>'))
  assert.ok(text.includes('\r\n\t<vivarium>\r\n\t\t<mtu type="integer">9000</mtu>\r\n'))
})

const FOREIGN = `<?xml version="1.0"?>
<preferences>
  <later_key type="integer"> 7 </later_key>
  <virtual_network><id type="bytes">${'AB'.repeat(16)}</id>
    <hostadapter type="string">Intel(R) PRO/100</hostadapter></virtual_network>
  <dhcp><is_enabled type="boolean">TRUE</is_enabled><unknown/>
    <network type="string">10.244.0.0</network><network_mask type="bytes">FFFF0000</network_mask>
    <dns><s id="0" type="integer">167772161</s></dns></dhcp>
</preferences>
`

test('a file is left byte for byte by an update that says the same', () => {
  const document = parse(FOREIGN)
  const { name: _, ...same } = readVnc(document, '').networks[0]!
  updateVnc(document, same as VncSettings)
  assert.equal(format(document), FOREIGN)
})

test('an update changes the keys that the file has, and leaves all others', () => {
  const document = parse(FOREIGN)
  const { name: _, ...old } = readVnc(document, '').networks[0]! as VncSettings & { name: string }
  updateVnc(document, {
    ...old,
    hostAdapter: undefined,
    dhcp: { ...old.dhcp!, enabled: false, dns: ['10.0.0.2'] },
  })
  const text = format(document)
  assert.ok(text.includes('<hostadapter type="string" />'))
  assert.ok(text.includes('<is_enabled type="boolean">false</is_enabled><unknown/>'))
  assert.ok(text.includes('<dns type="string">10.0.0.2</dns>'))
  assert.ok(text.includes('<later_key type="integer"> 7 </later_key>'))
  assert.ok(text.includes('<network_mask type="bytes">FFFF0000</network_mask>'))
  const { networks } = readVnc(again(document), '')
  assert.deepEqual(networks[0]?.dhcp?.dns, ['10.0.0.2'])
})

test('what is taken away is gone, and unknown keys stay', () => {
  const document = createVnc('/lab.vnc', FULL)
  const text = format(document).replace('<mtu ', '<from_later type="string">x</from_later><mtu ')
  const other = parse(text)
  updateVnc(other, { id: FULL.id, own: { mtu: 1500, fromLater: 'x' } })
  const { networks } = readVnc(again(other), '')
  assert.deepEqual(networks, [{ name: '', id: FULL.id, own: { fromLater: 'x', mtu: 1500 } }])
  updateVnc(other, { id: FULL.id })
  assert.ok(!format(other).includes('vivarium'))
})

test('a value that the file cannot hold is refused with file and element', () => {
  const where = (settings: VncSettings) => {
    try {
      createVnc('/lab.vnc', settings)
    } catch (error) {
      return (error as { where: { path: string; field: string } }).where
    }
    return undefined
  }
  assert.deepEqual(where({ id: 'x' }), { path: '/lab.vnc', field: 'virtual_network/id' })
  assert.deepEqual(where({ dhcp: { enabled: true, network: '10.0.0.300', dns: [], wins: [] } }), {
    path: '/lab.vnc',
    field: 'virtual_network/virtual_server/dhcp/network',
  })
  assert.equal(where({ own: { dns: { domain: 'a\0b' } } })?.field, 'vivarium/dns/domain')
})

test('a value of ours that is damaged is an error of the file, which names the element', () => {
  const { networks, problems } = readVnc(
    parse('<preferences><virtual_network/><vivarium><mtu type="integer">many</mtu></vivarium></preferences>'),
    'lab',
  )
  assert.deepEqual(networks, [{ name: 'lab' }])
  const [problem] = problems.filter(({ severity }) => severity === 'error')
  assert.deepEqual(problem?.where, { path: '/lab.vnc', field: 'vivarium/mtu' })
})
