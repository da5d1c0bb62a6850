import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asciiBytes, fromHex } from '../../base/index.ts'
import { formatIpv4 } from '../addresses.ts'
import type { DhcpMessage } from './message.ts'
import { addressesOption, OPTION, readTextOption, readUint32Option } from './options.ts'
import { ip, openServer, SERVER, say, told } from './testing.ts'

const OTHER = { mac: '0003ff000002' }
const TAKEN = [
  [say('discover'), 'offer 10.244.0.16'],
  [say('request', { server: SERVER, wish: '10.244.0.16' }), 'ack 10.244.0.16'],
] as const

type Step = readonly [message: DhcpMessage | number, answer: string]

/** Each step is a message and its answer, or a number of seconds to wait. */
const CONVERSATIONS: Readonly<Record<string, readonly Step[]>> = {
  'a new client (3.1)': TAKEN,
  'a second client gets another address': [...TAKEN, [say('discover', OTHER), 'offer 10.244.0.17']],
  'a client that asks again before it takes is offered the same': [
    [say('discover'), 'offer 10.244.0.16'],
    [say('discover'), 'offer 10.244.0.16'],
  ],
  'a client that chose another server': [
    [say('discover'), 'offer 10.244.0.16'],
    [say('request', { server: '10.244.0.9', wish: '10.244.0.77' }), 'not-mine'],
    [say('discover', { ...OTHER, wish: '10.244.0.16' }), 'offer 10.244.0.16'],
  ],
  'a client that takes what it was not offered': [
    [say('discover'), 'offer 10.244.0.16'],
    [say('request', { server: SERVER, wish: '10.244.0.99' }), 'nak 0.0.0.0 address not available'],
  ],
  'a client that takes without having asked': [
    [say('request', { server: SERVER, wish: '10.244.0.16' }), 'nak 0.0.0.0 address not available'],
  ],
  'a client that starts again with its old address (INIT-REBOOT)': [
    ...TAKEN,
    [say('request', { wish: '10.244.0.16' }), 'ack 10.244.0.16'],
  ],
  'a client that starts again after its lease ended': [
    ...TAKEN,
    [90_000, ''],
    [say('request', { wish: '10.244.0.16' }), 'ack 10.244.0.16'],
  ],
  'a client that starts again with the address of another': [
    ...TAKEN,
    [say('request', { ...OTHER, wish: '10.244.0.16' }), 'nak 0.0.0.0 address in use'],
  ],
  'a client that comes from another network': [
    [say('request', { wish: '192.168.1.5' }), 'nak 0.0.0.0 address not available'],
  ],
  'an unknown client that starts again (4.3.2: silence)': [
    [say('request', { wish: '10.244.0.30' }), 'silence'],
  ],
  'renewing and rebinding': [
    ...TAKEN,
    [43_200, ''],
    [say('request', { ciaddr: '10.244.0.16' }), 'ack 10.244.0.16'],
    [80_000, ''],
    [say('discover', { ...OTHER, wish: '10.244.0.16' }), 'offer 10.244.0.17'],
  ],
  'renewing an address that went to another meanwhile': [
    ...TAKEN,
    [90_000, ''],
    [say('discover', { ...OTHER, wish: '10.244.0.16' }), 'offer 10.244.0.16'],
    [say('request', { ciaddr: '10.244.0.16' }), 'nak 0.0.0.0 address in use'],
  ],
  'a client that finds its address in use': [
    ...TAKEN,
    [say('decline', { server: SERVER, wish: '10.244.0.16' }), 'silence'],
    [say('discover'), 'offer 10.244.0.17'],
  ],
  'nobody can decline for another': [
    ...TAKEN,
    [say('decline', { ...OTHER, server: SERVER, wish: '10.244.0.16' }), 'silence'],
    [say('request', { ciaddr: '10.244.0.16' }), 'ack 10.244.0.16'],
  ],
  'a client that leaves': [
    ...TAKEN,
    [say('release', { server: SERVER, ciaddr: '10.244.0.16' }), 'silence'],
    [say('discover', { ...OTHER, wish: '10.244.0.16' }), 'offer 10.244.0.16'],
  ],
  'a client with a static address': [
    [say('inform', { ciaddr: '10.244.0.5' }), 'ack 0.0.0.0'],
    [say('inform'), 'silence'],
  ],
  'what is not for this server': [
    [say('discover', { giaddr: '10.9.0.1' }), 'not-mine'],
    [{ ...say('discover'), op: 'reply' }, 'not-mine'],
    [{ ...say('discover'), hardwareType: 6 }, 'not-mine'],
    [say('offer'), 'not-mine'],
    [say('release', { server: '10.244.0.9', ciaddr: '10.244.0.16' }), 'not-mine'],
    [say('decline', { wish: '10.244.0.16' }), 'not-mine'],
    [{ ...say('discover'), options: new Map() }, 'not-mine'],
  ],
}

for (const [name, steps] of Object.entries(CONVERSATIONS)) {
  test(name, () => {
    const { clock, server } = openServer()
    for (const [step, answer] of steps) {
      if (typeof step === 'number') clock.pass(step * 1000)
      else assert.equal(told(server.answer(step)), answer)
    }
  })
}

test('when the pool is used up there is silence', () => {
  const { server } = openServer({ end: '10.244.0.16' })
  assert.equal(told(server.answer(say('discover'))), 'offer 10.244.0.16')
  assert.equal(told(server.answer(say('discover', OTHER))), 'exhausted')
})

test('a reply copies what table 3 says and carries the settings', () => {
  const { ask } = openServer({
    gateway: '10.244.0.2',
    dns: ['10.244.0.3', '10.244.0.4'],
    wins: ['10.244.0.5'],
    domain: 'lab.example',
    leaseSeconds: 3600,
  })
  const reply = ask({ ...say('discover'), broadcast: true })
  assert.equal(reply.transactionId, 0x1234_5678)
  assert.deepEqual([reply.op, reply.broadcast, reply.seconds], ['reply', true, 0])
  assert.deepEqual(reply.clientHardware, fromHex('0003ff000001'))
  const number = (code: number) => readUint32Option(reply.options, code)
  assert.deepEqual(
    [number(OPTION.leaseTime), number(OPTION.renewalTime), number(OPTION.rebindingTime)],
    [3600, 1800, 3150],
  )
  assert.deepEqual(
    [OPTION.server, OPTION.subnetMask, OPTION.router, OPTION.broadcast].map((code) =>
      formatIpv4(number(code)!),
    ),
    ['10.244.0.1', '255.255.255.0', '10.244.0.2', '10.244.0.255'],
  )
  assert.deepEqual(reply.options.get(OPTION.dns), addressesOption([ip('10.244.0.3'), ip('10.244.0.4')]))
  assert.deepEqual(reply.options.get(OPTION.wins), addressesOption([ip('10.244.0.5')]))
  assert.deepEqual(reply.options.get(OPTION.nodeType), Uint8Array.of(8))
  assert.equal(readTextOption(reply.options, OPTION.domain), 'lab.example')
})

test('a client with a list gets what is on it, in its order, after what every client needs', () => {
  const { ask } = openServer({ gateway: '10.244.0.2', dns: ['10.244.0.3'], wins: ['10.244.0.5'] })
  const list = Uint8Array.of(OPTION.dns, OPTION.router, OPTION.domain, 121)
  const reply = ask(say('discover', { options: [[OPTION.parameterRequest, list]] }))
  assert.deepEqual(
    [...reply.options.keys()],
    [
      OPTION.messageType,
      OPTION.server,
      OPTION.leaseTime,
      OPTION.renewalTime,
      OPTION.rebindingTime,
      OPTION.subnetMask,
      OPTION.dns,
      OPTION.router,
    ],
  )
})

test('an informed client gets no lease times', () => {
  const { ask, leases } = openServer()
  const reply = ask(say('inform', { ciaddr: '10.244.0.5' }))
  for (const code of [OPTION.leaseTime, OPTION.renewalTime, OPTION.rebindingTime])
    assert.equal(reply.options.has(code), false)
  assert.deepEqual(leases.records(), [])
})

test('the client identifier names the client, and is given back (RFC 6842)', () => {
  const { server, ask } = openServer()
  const id = asciiBytes('\0one')
  const reply = ask(say('discover', { options: [[OPTION.clientId, id]] }))
  assert.deepEqual(reply.options.get(OPTION.clientId), id)
  assert.equal(
    told(server.answer(say('discover', { ...OTHER, options: [[OPTION.clientId, id]] }))),
    'offer 10.244.0.16',
  )
  assert.equal(told(server.answer(say('discover'))), 'offer 10.244.0.17')
})

test('the lease table shows the name that the client gave', () => {
  const { ask, leases } = openServer()
  ask(say('discover'))
  ask(
    say('request', {
      server: SERVER,
      wish: '10.244.0.16',
      options: [[OPTION.hostName, asciiBytes('lab-pc')]],
    }),
  )
  assert.deepEqual(leases.records(), [
    {
      address: '10.244.0.16',
      client: '010003ff000001',
      mac: '00:03:ff:00:00:01',
      hostName: 'lab-pc',
      state: 'bound',
      expiresAt: '2005-06-02T00:00:00.000Z',
    },
  ])
})

test('the client’s size limit is kept between the protocol’s bounds', () => {
  const { server } = openServer()
  const limit = (bytes: Uint8Array) => {
    const reply = server.answer(say('discover', { options: [[OPTION.maximumSize, bytes]] }))
    return typeof reply === 'string' || 'probe' in reply ? reply : reply.maximumBytes
  }
  assert.deepEqual(
    [
      limit(Uint8Array.of(0, 1)),
      limit(Uint8Array.of(4, 0)),
      limit(Uint8Array.of(255, 255)),
      limit(Uint8Array.of(4)),
    ],
    [548, 996, 1472, 548],
  )
})
