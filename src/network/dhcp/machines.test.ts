import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asciiBytes, fromHex } from '../../base/index.ts'
import { formatIpv4 } from '../addresses.ts'
import type { BootRequest } from './boot.ts'
import { type DhcpMessage, encodeDhcp } from './message.ts'
import { OPTION, readTextOption, readUint32Option } from './options.ts'
import type { DhcpSettings } from './settings.ts'
import { ip, openServer, SERVER, say, told } from './testing.ts'

/** What is one machine's, one class's or one relay's own. */

const OTHER = { mac: '0003ff000002' }
const RESERVED: DhcpSettings = {
  reservations: [{ address: '10.244.0.5', mac: '00:03:ff:00:00:01', hostName: 'dc1' }],
}
const list = (...codes: number[]) => [OPTION.parameterRequest, Uint8Array.from(codes)] as const
const text = (code: number, value: string) => [code, asciiBytes(value)] as const

test('a reserved address is for its machine alone, whatever its client id', () => {
  const { server } = openServer(RESERVED)
  assert.equal(told(server.answer(say('discover', { ...OTHER, wish: '10.244.0.5' }))), 'offer 10.244.0.16')
  assert.equal(told(server.answer(say('request', { wish: '10.244.0.5' }))), 'ack 10.244.0.5')
  const system = { options: [[OPTION.clientId, fromHex('ff0102')!]] as const }
  assert.equal(told(server.answer(say('discover', system))), 'offer 10.244.0.5')
  const byId = openServer({ reservations: [{ address: '10.244.0.99', clientId: 'ff:01:02' }] })
  assert.equal(told(byId.server.answer(say('discover', { ...OTHER, ...system }))), 'offer 10.244.0.99')
  assert.equal(told(byId.server.answer(say('discover'))), 'offer 10.244.0.16')
})

test('a machine whose address was reserved meanwhile is called to it, unless somebody else is there', () => {
  const { server, neighbours, leases } = openServer(RESERVED)
  neighbours.set(ip('10.244.0.5'), 0x99)
  assert.equal(told(server.answer(say('discover'))), 'offer 10.244.0.16')
  assert.equal(
    told(server.answer(say('request', { server: SERVER, wish: '10.244.0.16' }))),
    'ack 10.244.0.16',
  )
  assert.equal(told(server.answer(say('request', { ciaddr: '10.244.0.16' }))), 'ack 10.244.0.16')
  neighbours.clear()
  assert.equal(
    told(server.answer(say('request', { ciaddr: '10.244.0.16' }))),
    'nak 0.0.0.0 address not available',
  )
  assert.equal(told(server.answer(say('discover'))), 'offer 10.244.0.5')
  server.answer(say('request', { server: SERVER, wish: '10.244.0.5', options: [text(12, 'xp')] }))
  assert.deepEqual(
    leases.records().map(({ address, hostName }) => [address, hostName]),
    [['10.244.0.5', 'dc1']],
  )
})

test('options by number and type: the machine’s over the class’s over the network’s', () => {
  const { ask } = openServer({
    domain: 'lab.example',
    search: ['lab.example', 'example'],
    nodeType: 2,
    options: [
      { code: 42, type: 'addresses', value: ['10.244.0.7', '10.244.0.8'] },
      { code: 26, type: 'number16', value: 1400 },
      { code: 23, type: 'number8', value: 65 },
      { code: 2, type: 'number32', value: 3600 },
      { code: 19, type: 'flag', value: true },
      { code: 43, type: 'bytes', value: '01:04-00 00 00 02', always: true },
    ],
    classes: [
      { name: 'XP', vendorClass: { prefix: 'MSFT' }, options: [{ code: 26, type: 'number16', value: 1300 }] },
    ],
    reservations: [
      {
        address: '10.244.0.5',
        mac: '0003ff000001',
        options: [{ code: 26, type: 'number16', value: 1200 }],
      },
    ],
  })
  const codes = [42, 26, 23, 2, 19, 119, 46, 15]
  const hex = (message: DhcpMessage) => {
    const { options } = ask(message)
    return Object.fromEntries(
      [...codes, 43].map((code) => [code, Buffer.from(options.get(code)!).toString('hex')]),
    )
  }
  const plain = {
    42: '0af400070af40008',
    26: '0578',
    23: '41',
    2: '00000e10',
    19: '01',
    119: '036c6162076578616d706c6500076578616d706c6500',
    46: '02',
    15: Buffer.from('lab.example').toString('hex'),
    43: '010400000002',
  }
  const asking = [list(...codes)] as const
  assert.deepEqual(hex(say('discover', { ...OTHER, options: asking })), plain)
  const windows = { options: [...asking, text(OPTION.vendorClass, 'MSFT 5.0')] }
  assert.deepEqual(hex(say('discover', { ...OTHER, ...windows })), { ...plain, 26: '0514' })
  assert.deepEqual(hex(say('discover', windows)), { ...plain, 26: '04b0' })
})

test('classes by vendor, user (RFC 3004 or bare text) and architecture; all that is named has to fit', () => {
  const { ask } = openServer({
    boot: { file: 'undionly.kpxe' },
    classes: [
      { name: 'UEFI', architectures: [7, 9], boot: { file: 'ipxe.efi' } },
      { name: 'iPXE', userClass: { equals: 'iPXE' }, boot: { file: 'menu.ipxe', nextServer: '10.244.0.9' } },
      {
        name: 'iPXE on UEFI',
        userClass: { equals: 'iPXE' },
        architectures: [7],
        boot: { serverName: 'boot', file: 'efi.ipxe' },
      },
    ],
  })
  const uefi = [OPTION.architecture, Uint8Array.of(0, 7)] as const
  const told = (...options: (readonly [number, Uint8Array])[]) => {
    const reply = ask(say('discover', { options: [...options, list(66, 67)] }))
    assert.equal(readTextOption(reply.options, OPTION.bootFile), reply.bootFile)
    const server = readTextOption(reply.options, OPTION.tftpServer)
    return [reply.bootFile, formatIpv4(reply.nextServer), server]
  }
  assert.deepEqual(told(), ['undionly.kpxe', SERVER, SERVER])
  assert.deepEqual(told(uefi), ['ipxe.efi', SERVER, SERVER])
  assert.deepEqual(told(text(77, 'iPXE')), ['menu.ipxe', '10.244.0.9', '10.244.0.9'])
  assert.deepEqual(told(text(77, '\x03lab\x04iPXE')), ['menu.ipxe', '10.244.0.9', '10.244.0.9'])
  assert.deepEqual(told(text(77, 'iPXE'), uefi), ['efi.ipxe', '10.244.0.9', 'boot'])
})

test('a boot service decides what the settings leave open', () => {
  const asked: BootRequest[] = []
  const chooser = (request: BootRequest) => {
    asked.push(request)
    return { file: 'chosen', options: new Map([[60, asciiBytes('PXEClient')]]) }
  }
  const { ask } = openServer(
    { reservations: [{ address: '10.244.0.5', mac: '0003ff000001', boot: { file: 'own' } }] },
    { chooser },
  )
  const client = { options: [[OPTION.architecture, Uint8Array.of(0, 6)], list(3)] as const }
  const reply = ask(say('discover', { ...OTHER, ...client }))
  assert.deepEqual([reply.bootFile, readTextOption(reply.options, 60)], ['chosen', 'PXEClient'])
  assert.deepEqual([asked[0]?.architecture, asked[0]?.mac], [6, 0x0003_ff00_0002])
  assert.equal(ask(say('discover', client)).bootFile, 'own')
})

test('behind a relay: an address of the client’s own subnet, and the relay’s words back (RFC 3046)', () => {
  const { server, ask, tables } = openServer({
    dns: ['10.244.0.3'],
    subnets: [{ network: '192.168.7.0', mask: '255.255.255.0', gateway: '192.168.7.1' }],
  })
  const words = fromHex('0104aabbccdd')!
  const relayed = { giaddr: '192.168.7.1', options: [[OPTION.relayInformation, words]] as const }
  const reply = ask(say('discover', relayed))
  const address = (code: number) => formatIpv4(readUint32Option(reply.options, code)!)
  assert.deepEqual(
    [formatIpv4(reply.yourAddress), formatIpv4(reply.relay), address(OPTION.router), address(OPTION.dns)],
    ['192.168.7.16', '192.168.7.1', '192.168.7.1', '10.244.0.3'],
  )
  const bytes = encodeDhcp(reply, 300)
  assert.deepEqual(
    [...bytes.subarray(bytes.lastIndexOf(OPTION.relayInformation), bytes.lastIndexOf(255))],
    [OPTION.relayInformation, words.length, ...words],
  )
  assert.equal(told(server.answer(say('discover', { giaddr: '10.9.0.1' }))), 'not-mine')
  assert.equal(told(server.answer(say('discover', { ...OTHER, giaddr: '10.244.0.9' }))), 'offer 10.244.0.16')
  const link = [OPTION.relayInformation, Uint8Array.of(5, 4, 192, 168, 7, 0)] as const
  assert.equal(
    told(server.answer(say('discover', { mac: '0003ff000003', giaddr: '10.244.0.9', options: [link] }))),
    'offer 192.168.7.17',
  )
  // Its renewal comes through a router, to us alone, and without the relay.
  server.answer(say('request', { ...relayed, server: SERVER, wish: '192.168.7.16' }))
  const renewal = say('request', { ciaddr: '192.168.7.16' })
  assert.equal(told(server.answer(renewal, { toAll: false })), 'ack 192.168.7.16')
  assert.deepEqual(
    tables.map((table) => table.records().map(({ state }) => state)),
    [['offered'], ['bound', 'offered']],
  )
  // The same machine on our own wire has no lease here: a refusal that its relay is to broadcast, or silence.
  assert.equal(told(server.answer(renewal)), 'nak 0.0.0.0 address not available')
  assert.equal(ask(say('request', { ...relayed, wish: '10.0.0.1' })).broadcast, true)
})

test('rapid commit where both sides have it (RFC 4039)', () => {
  const rapid = say('discover', { options: [[OPTION.rapidCommit, new Uint8Array()]] })
  assert.equal(told(openServer().server.answer(rapid)), 'offer 10.244.0.16')
  const { ask, leases } = openServer({ rapidCommit: true })
  const reply = ask(rapid)
  assert.ok(reply.options.has(OPTION.rapidCommit))
  assert.deepEqual(
    [told({ message: reply, maximumBytes: 0 }), leases.records()[0]?.state],
    ['ack 10.244.0.16', 'bound'],
  )
})

test('an address that is not known to be free is probed first, and again until it has been', () => {
  const { server } = openServer({ probe: true })
  assert.equal(told(server.answer(say('discover'))), 'probe 10.244.0.16')
  assert.equal(told(server.answer(say('discover'))), 'probe 10.244.0.16')
  assert.equal(told(server.answer(say('discover'), { probed: ip('10.244.0.16') })), 'offer 10.244.0.16')
  assert.equal(told(server.answer(say('discover'))), 'offer 10.244.0.16')
  assert.equal(told(server.answer(say('discover', OTHER))), 'probe 10.244.0.17')
  server.inUse(say('discover', OTHER), ip('10.244.0.17'), 0x99)
  assert.equal(told(server.answer(say('discover', OTHER))), 'probe 10.244.0.18')
})

test('a client without a host name but with a full name is known by its first label (RFC 4702)', () => {
  const { ask, leases } = openServer()
  ask(say('discover'))
  const named = [OPTION.fullName, Uint8Array.from([4, 0, 0, 2, 0x70, 0x63, 3, 0x6c, 0x61, 0x62, 0])] as const
  ask(say('request', { server: SERVER, wish: '10.244.0.16', options: [named] }))
  assert.equal(leases.records()[0]?.hostName, 'pc')
})
