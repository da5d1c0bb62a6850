import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../../base/index.ts'
import { networkConfigSchema } from '../network-config.ts'
import type { ResolverAddress, ServiceWorld } from '../world.ts'
import { encodeDns } from './encode.ts'
import { planDns } from './plan.ts'
import type { DnsSettings } from './settings.ts'
import { dnsLab, heard, PLAIN, query, STATION, tell, texts } from './testing.ts'
import { RCODE, TYPE } from './types.ts'

const AUTHORITY = /^lab\.example 10 SOA /

test('stations are found by name, under the domain and bare, and by address, as long as they are there', () => {
  const { network, ask } = dnsLab()
  network.names.enter('dhcp 1', { name: 'XP1', address: 0x0a_f4_00_10 })
  assert.deepEqual(texts(ask('xp1.Lab.example').answers), ['xp1.Lab.example 60 A 10.244.0.16'])
  assert.deepEqual(texts(ask('xp1').answers), ['xp1 60 A 10.244.0.16'])
  assert.deepEqual(texts(ask('16.0.244.10.in-addr.arpa', 'PTR').answers), [
    '16.0.244.10.in-addr.arpa 60 PTR XP1.lab.example',
  ])
  network.names.remove('dhcp 1')
  for (const [name, type] of [
    ['xp1.lab.example', 'A'],
    ['xp1', 'A'],
    ['16.0.244.10.in-addr.arpa', 'PTR'],
  ] as const)
    assert.equal(ask(name, type).rcode, RCODE.nameError, name)
})

test('"no" comes with the SOA that says how long, and the serial number grows with every change', () => {
  const { network, ask } = dnsLab()
  const before = ask('nobody.lab.example')
  assert.deepEqual([before.rcode, before.authoritative, before.answers.length], [RCODE.nameError, true, 0])
  assert.match(texts(before.authorities)[0]!, AUTHORITY)
  network.names.enter('dhcp 1', { name: 'xp1', address: 0x0a_f4_00_10 })
  const noData = ask('xp1.lab.example', 'AAAA')
  assert.deepEqual([noData.rcode, noData.answers.length], [RCODE.noError, 0])
  assert.notDeepEqual(noData.authorities[0]!.data, before.authorities[0]!.data)
})

test('a station that calls itself by a name of the settings, or by one that others trust, does not get it', () => {
  const { network, ask } = dnsLab({ records: [{ name: 'www', type: 'A', value: '10.244.0.9' }] })
  for (const [index, name] of ['www', 'wpad', 'ns', 'isatap', 'not a name', 'pc.other.example'].entries())
    network.names.enter(`dhcp ${index}`, { name, address: 0x0a_f4_00_10 })
  assert.deepEqual(texts(ask('www').answers), ['www 3600 A 10.244.0.9'])
  assert.equal(ask('wpad').rcode, RCODE.nameError)
  assert.deepEqual(texts(ask('ns.lab.example').answers), ['ns.lab.example 3600 A 10.244.0.1'])
  assert.deepEqual(texts(ask('16.0.244.10.in-addr.arpa', 'PTR').answers), [
    '16.0.244.10.in-addr.arpa 60 PTR www.lab.example',
  ])
})

const LAB_RECORDS: DnsSettings = {
  records: [
    { name: '@', type: 'MX', value: '10 mail' },
    { name: 'mail', type: 'A', value: '10.244.0.9' },
    { name: 'mail', type: 'AAAA', value: 'fd00::9' },
    { name: '_ldap._tcp', type: 'SRV', value: '0 100 389 mail', ttlSeconds: 600 },
    { name: 'www', type: 'CNAME', value: 'web.apps' },
    { name: '*.apps', type: 'A', value: '10.244.0.8' },
    { name: 'known.apps', type: 'TXT', value: '"one" "and \\"two\\""' },
    { name: 'loop1', type: 'CNAME', value: 'loop2' },
    { name: 'loop2', type: 'CNAME', value: 'loop1' },
    { name: 'child', type: 'NS', value: 'ns.child' },
    { name: 'ns.child', type: 'A', value: '10.244.0.7' },
    { name: 'www.microsoft.com.', type: 'A', value: '10.244.0.6' },
    { name: '12.0.244.10.in-addr.arpa.', type: 'PTR', value: 'printer' },
  ],
}

test('static records of every type, with the addresses of what they point at', () => {
  const { ask } = dnsLab(LAB_RECORDS)
  const mail = ask('lab.example', 'MX')
  assert.deepEqual(texts(mail.answers), ['lab.example 3600 MX 10 mail.lab.example'])
  assert.deepEqual(texts(mail.additionals), [
    'mail.lab.example 3600 A 10.244.0.9',
    'mail.lab.example 3600 AAAA fd00::9',
  ])
  assert.deepEqual(texts(ask('_ldap._tcp.lab.example', 'SRV').answers), [
    '_ldap._tcp.lab.example 600 SRV 0 100 389 mail.lab.example',
  ])
  assert.deepEqual(texts(ask('known.apps.lab.example', 'TXT').answers), [
    'known.apps.lab.example 3600 TXT "one" "and \\"two\\""',
  ])
  assert.deepEqual(texts(ask('www.microsoft.com').answers), ['www.microsoft.com 3600 A 10.244.0.6'])
  assert.equal(ask('www.microsoft.com', 'AAAA').rcode, RCODE.noError)
  assert.deepEqual(texts(ask('12.0.244.10.in-addr.arpa', 'PTR').answers), [
    '12.0.244.10.in-addr.arpa 3600 PTR printer.lab.example',
  ])
  const nibbles = `9.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`
  assert.deepEqual(texts(ask(nibbles, 'PTR').answers), [`${nibbles} 60 PTR mail.lab.example`])
})

test('aliases are followed, also to a wildcard, and a loop of them ends', () => {
  const { ask } = dnsLab(LAB_RECORDS)
  assert.deepEqual(texts(ask('www.lab.example').answers), [
    'www.lab.example 3600 CNAME web.apps.lab.example',
    'web.apps.lab.example 3600 A 10.244.0.8',
  ])
  assert.equal(ask('loop1.lab.example').answers.length, 2)
})

test('a wildcard is for names that do not exist, and not for those below or between', () => {
  const { ask } = dnsLab(LAB_RECORDS)
  assert.deepEqual(texts(ask('a.b.apps.lab.example').answers), ['a.b.apps.lab.example 3600 A 10.244.0.8'])
  assert.deepEqual(
    [ask('known.apps.lab.example').rcode, ask('known.apps.lab.example').answers.length],
    [0, 0],
  )
  assert.equal(ask('below.known.apps.lab.example').rcode, RCODE.nameError)
  assert.deepEqual([ask('apps.lab.example').rcode, ask('apps.lab.example').answers.length], [0, 0])
})

test('a zone of another server is referred to it', () => {
  const { ask } = dnsLab(LAB_RECORDS)
  const { authoritative, answers, authorities, additionals } = ask('pc.child.lab.example')
  assert.deepEqual([authoritative, answers.length], [false, 0])
  assert.deepEqual(texts(authorities), ['child.lab.example 3600 NS ns.child.lab.example'])
  assert.deepEqual(texts(additionals), ['ns.child.lab.example 3600 A 10.244.0.7'])
})

test('on a network with NAT the servers of the host are asked, unless it is said otherwise', () => {
  const asked: ResolverAddress[] = []
  const world: ServiceWorld = {
    hostResolvers: () => [{ address: '192.0.2.9', port: 53 }],
    askResolver: async (_, server) => {
      asked.push(server)
      return undefined
    },
  }
  const question = encodeDns(query('www.example.com', 'A', {}))
  tell(dnsLab({}, { world }, { uplink: { kind: 'nat' } }).station, question)
  tell(dnsLab({ forwarders: [] }, { world }, { uplink: { kind: 'nat' } }).station, question)
  tell(dnsLab({}, { world }).station, question)
  assert.deepEqual(asked, [{ address: '192.0.2.9', port: 53 }])
})

test('where nothing leads out, what is not known does not exist; with an uplink it is not ours to say', () => {
  const alone = dnsLab()
  assert.deepEqual(
    [alone.ask('www.example.com').rcode, alone.ask('www.example.com').authoritative],
    [3, true],
  )
  assert.match(texts(alone.ask('www.example.com').authorities)[0]!, /^ 10 SOA /)
  const { ask } = dnsLab({ forwarders: [] }, {}, { uplink: { kind: 'nat' } })
  assert.equal(ask('www.example.com').rcode, RCODE.refused)
  for (const name of [
    'pc7',
    'x.localhost.invalid',
    'pc.local',
    '1.2.168.192.in-addr.arpa',
    '99.0.244.10.in-addr.arpa',
  ])
    assert.equal(ask(name, name.endsWith('arpa') ? 'PTR' : 'A').rcode, RCODE.nameError, name)
  assert.deepEqual(texts(ask('localhost').answers), ['localhost 3600 A 127.0.0.1'])
  assert.deepEqual([ask('244.10.in-addr.arpa', 'PTR').rcode, ask('lab.example', 'NS').answers.length], [0, 1])
})

test('an answer over UDP is as long as the client takes, and never longer than 1232 bytes', () => {
  const records = Array.from({ length: 90 }, (_, index) => ({
    ...{ name: 'many', type: 'A' as const },
    value: `10.244.0.${index + 20}`,
  }))
  const { ask } = dnsLab({ records: [...records, { name: 'many', type: 'TXT', value: 'x' }] })
  const plain = ask('many.lab.example')
  assert.deepEqual([plain.truncated, plain.answers.length, plain.edns], [true, 0, undefined])
  const edns = { version: 0, udpBytes: 65_535, dnssecOk: false }
  assert.equal(ask('many.lab.example', 'A', { edns }).truncated, true)
  assert.equal(ask('many.lab.example', 'ANY', { edns }).truncated, true)
  assert.equal(ask('lab.example', 'SOA', { edns }).edns?.udpBytes, 1232)
  assert.equal(ask('lab.example', 'SOA', { edns: { ...edns, version: 1 } }).rcode, RCODE.badVersion)
})

test('nor longer than a packet of the network', () => {
  const records = Array.from({ length: 50 }, (_, index) => ({
    ...{ name: 'many', type: 'A' as const },
    value: `10.244.0.${index + 20}`,
  }))
  const edns = { version: 0, udpBytes: 65_535, dnssecOk: false }
  const whole = dnsLab({ records }).ask('many.lab.example', 'A', { edns })
  assert.deepEqual([whole.truncated, whole.answers.length], [false, 50])
  const { ask } = dnsLab({ records }, {}, { mtu: 576 })
  const cut = ask('many.lab.example', 'A', { edns })
  assert.deepEqual([cut.truncated, cut.edns?.udpBytes], [true, 548])
})

test('what is not a query of a station of this network gets no answer, or a refusal', () => {
  const { station, send, network } = dnsLab()
  const good = encodeDns(query('lab.example', 'SOA'))
  const said = (more: object) => {
    station.say({ to: 0x0a_f4_00_01, port: 53, fromPort: 3000, payload: good, ...more })
    return station.look().length
  }
  assert.equal(said({}), 1)
  // Another network's address, the server's own, one of no port, to all stations, an answer.
  for (const from of [0x08_08_08_08, 0x0a_f4_01_14, 0x0a_f4_00_01, 0x0a_f4_00_ff, 0])
    assert.equal(said({ from }), 0)
  assert.equal(said({ fromPort: 0 }), 0)
  assert.equal(said({ to: 0xffff_ffff }), 0)
  assert.equal(said({ payload: good.with(2, 0x80) }), 0)
  assert.equal(said({ payload: good.subarray(0, 11) }), 0)
  tell(station, good.subarray(0, 20))
  assert.equal(heard(station).rcode, RCODE.formatError)
  const refused = (message: object, rcode: number) =>
    assert.equal(send({ ...PLAIN, ...message }).rcode, rcode)
  refused({ opcode: 2 }, RCODE.notImplemented)
  refused({}, RCODE.formatError)
  refused({ questions: [{ name: 'version.bind', type: TYPE.TXT, class: 3 }] }, RCODE.refused)
  refused(query('lab.example', 'AXFR'), RCODE.refused)
  const { counts } = network.status().services.dns!
  assert.deepEqual([counts.malformed, counts.local], [2, 1])
})

test('settings that cannot work are refused, all that is wrong at once', () => {
  const plan = (dns: DnsSettings, more: object = { address: '10.244.0.1/24' }) =>
    planDns(networkConfigSchema.parse({ name: 'Lab', key: 'lab', dns, ...more }))
  assert.throws(
    () =>
      plan({
        forwarders: ['nowhere', '192.0.2.1:0'],
        records: [
          { name: 'a..b', type: 'A', value: '10.244.0.9' },
          { name: 'x', type: 'A', value: 'fd00::1' },
          { name: 'x', type: 'AAAA', value: '10.0.0.1' },
          { name: 'x', type: 'SRV', value: '0 389 dc1' },
          { name: 'x', type: 'MX', value: 'mail' },
          { name: 'x', type: 'TXT', value: '"open' },
          { name: 'www', type: 'CNAME', value: 'web' },
          { name: 'WWW', type: 'A', value: '10.244.0.9' },
        ],
      }),
    (error) =>
      error instanceof VivariumError &&
      error.code === 'dns-settings' &&
      error.message.split('is not').length === 9,
  )
  assert.throws(() => plan({}, {}), /has no address of its own/)
  const { forwarders } = plan({
    forwarders: ['192.0.2.1', '192.0.2.1:5353', '2001:db8::1', '[2001:db8::1]:54', 'host'],
  })!
  assert.deepEqual(forwarders, [
    { address: '192.0.2.1', port: 53 },
    { address: '192.0.2.1', port: 5353 },
    { address: '2001:db8::1', port: 53 },
    { address: '2001:db8::1', port: 54 },
    'host',
  ])
  assert.equal(plan({ enabled: false }), undefined)
})

test('the status shows every record and where it is from', () => {
  const { network } = dnsLab({ records: [{ name: 'www', type: 'A', value: '10.244.0.9' }] })
  network.names.enter('dhcp 1', { name: 'xp1', address: STATION })
  const { records } = network.status().services.dns!
  assert.deepEqual(
    records.map(({ name, value, source }) => [name, value, source]),
    [
      ['www.lab.example', '10.244.0.9', 'settings'],
      ['xp1.lab.example', '10.244.0.20', 'station'],
    ],
  )
})

test('after it was configured anew the old server says nothing more', () => {
  const { network, ask, station } = dnsLab()
  network.configure({ ...network.config, dns: undefined })
  tell(station, encodeDns(query('lab.example', 'SOA')))
  assert.equal(station.look().length, 0)
  network.configure({
    ...network.config,
    address: '10.244.0.1/24',
    dns: { ...networkConfigSchema.shape.dns.parse({})!, domain: 'new.example' },
  })
  assert.equal(ask('new.example', 'SOA').answers.length, 1)
})
