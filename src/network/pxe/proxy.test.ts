import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BROADCAST_ADDRESS, BROADCAST_MAC } from '../addresses.ts'
import { type DhcpMessage, decodeDhcp, encodeDhcp, MESSAGE_TYPE, messageType } from '../dhcp/message.ts'
import { OPTION, readTextOption, textOption } from '../dhcp/options.ts'
import { answerBinl, answerDiscover } from './proxy.ts'
import { pxeOptionsSchema } from './settings.ts'
import { type BootLab, bootLab, CLIENT, type Heard, HOST } from './testing.ts'
import { bootItemOption, PXE_OPTION, readBootItem } from './vendor-options.ts'

const UUID = Uint8Array.from({ length: 17 }, (_, index) => index)
const ROM_MENU = {
  items: [
    { title: 'Local' },
    { title: 'Linux', file: 'linux.0' },
    { title: 'RIS', file: 'x', server: '10.0.0.9' },
  ],
}

function proxyLab(settings: object = {}) {
  const lab = bootLab()
  const pxe = pxeOptionsSchema.parse({ folder: '/boot', ...settings })
  lab.host.listen(67, (datagram) => answerDiscover(datagram, { host: lab.host, pxe }))
  lab.host.listen(4011, (datagram) => answerBinl(datagram, { host: lab.host, pxe }))
  return lab
}

function message(type: number, options: [number, Uint8Array][] = []): DhcpMessage {
  return {
    op: 'request',
    hardwareType: 1,
    hops: 0,
    transactionId: 77,
    seconds: 0,
    broadcast: false,
    clientAddress: 0,
    yourAddress: 0,
    nextServer: 0,
    relay: 0,
    clientHardware: Uint8Array.of(0, 3, 0xff, 0, 0, 1),
    serverName: '',
    bootFile: '',
    options: new Map<number, Uint8Array>([
      [OPTION.messageType, Uint8Array.of(type)],
      [OPTION.vendorClass, textOption('PXEClient:Arch:00000:UNDI:002001')],
      [OPTION.architecture, Uint8Array.of(0, 0)],
      [PXE_OPTION.uuid, UUID],
      ...options,
    ]),
  }
}

function discover(lab: BootLab, what: DhcpMessage): void {
  const to = { mac: BROADCAST_MAC, destination: BROADCAST_ADDRESS, sourcePort: 68, destinationPort: 67 }
  lab.say({ ...to, payload: encodeDhcp(what) }, { ...CLIENT, address: 0 })
}

function ask(lab: BootLab, what: DhcpMessage, from = CLIENT): void {
  lab.say({ sourcePort: 4011, destinationPort: 4011, payload: encodeDhcp(what) }, from)
}

function replyOf(heard: Heard | undefined): DhcpMessage {
  const reply = heard && decodeDhcp(heard.payload)
  assert.ok(reply !== undefined && typeof reply !== 'string')
  return reply
}

test('an offer without an address, to everybody, with class and identifier again', async () => {
  const lab = proxyLab()
  discover(lab, message(MESSAGE_TYPE.discover))
  const [heard, ...rest] = await lab.look()
  assert.deepEqual([heard!.destination, heard!.destinationPort, rest.length], [BROADCAST_ADDRESS, 68, 0])
  const offer = replyOf(heard)
  assert.equal(messageType(offer), MESSAGE_TYPE.offer)
  assert.deepEqual([offer.yourAddress, offer.nextServer, offer.bootFile], [0, HOST.address, 'pxelinux.0'])
  assert.equal(readTextOption(offer.options, OPTION.vendorClass), 'PXEClient')
  assert.deepEqual(offer.options.get(PXE_OPTION.uuid), UUID)
  assert.deepEqual(offer.options.get(PXE_OPTION.vendor), Uint8Array.of(6, 1, 8, 255))
  assert.equal(offer.options.has(OPTION.leaseTime), false)
})

test('nobody else is answered: no boot, a request, a relay, no DHCP', async () => {
  const lab = proxyLab()
  discover(lab, message(MESSAGE_TYPE.discover, [[OPTION.vendorClass, textOption('MSFT 5.0')]]))
  discover(lab, message(MESSAGE_TYPE.request))
  discover(lab, { ...message(MESSAGE_TYPE.discover), relay: 0x0a00_0001 })
  discover(lab, { ...message(MESSAGE_TYPE.discover), op: 'reply' })
  lab.say({ destinationPort: 67, payload: new Uint8Array(20) })
  assert.deepEqual(await lab.look(), [])
})

test('port 4011 tells the file of the machine’s kind to who asks there', async () => {
  const lab = proxyLab({ files: { bios: 'own.0' } })
  ask(lab, { ...message(MESSAGE_TYPE.request), clientAddress: CLIENT.address })
  const [heard] = await lab.look()
  const found = replyOf(heard)
  assert.deepEqual(
    [heard!.destination, heard!.sourcePort, heard!.destinationPort],
    [CLIENT.address, 4011, 4011],
  )
  assert.deepEqual([messageType(found), found.bootFile, found.yourAddress], [MESSAGE_TYPE.ack, 'own.0', 0])
})

test('the chosen item of the menu: its file, and the item again; another server’s is not ours', async () => {
  const lab = proxyLab({ romMenu: ROM_MENU })
  discover(lab, message(MESSAGE_TYPE.discover))
  const offer = replyOf((await lab.look())[0])
  assert.equal(offer.bootFile, '')
  assert.equal(offer.options.get(PXE_OPTION.vendor)?.[0], 6)
  const choose = (type: number) =>
    ask(lab, message(MESSAGE_TYPE.request, [[PXE_OPTION.vendor, bootItemOption({ type, layer: 0 })]]))
  choose(0x8001)
  const found = replyOf((await lab.look())[0])
  assert.equal(found.bootFile, 'linux.0')
  assert.deepEqual(readBootItem(found.options.get(PXE_OPTION.vendor)), { type: 0x8001, layer: 0 })
  for (const type of [0, 0x8000, 0x8002, 0x8003, 0xffff]) choose(type)
  assert.deepEqual(await lab.look(), [])
})

test('port 4011 is silent to everybody’s questions and to who has no address', async () => {
  const lab = proxyLab()
  ask(lab, message(MESSAGE_TYPE.request), { ...CLIENT, address: 0 })
  ask(lab, message(MESSAGE_TYPE.discover))
  const to = { mac: BROADCAST_MAC, destination: BROADCAST_ADDRESS, sourcePort: 4011, destinationPort: 4011 }
  lab.say({ ...to, payload: encodeDhcp(message(MESSAGE_TYPE.request)) })
  assert.deepEqual(await lab.look(), [])
})
