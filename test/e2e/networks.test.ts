import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { VivariumError } from '../../src/base/index.ts'
import { engines } from '../../src/engine/index.ts'
import { machineNamed, newFolder, startServer, until } from './server-process.ts'

/** Virtual networks by way of the server, with a guest that asks for its address when it boots. */

const qemu = await engines.find(({ name }) => name === 'qemu')!.survey()
const withCode = (code: string) => (error: unknown) => error instanceof VivariumError && error.code === code

async function lab(t: TestContext, data = newFolder(t)) {
  const server = await startServer(t, data)
  const { id, path } = await machineNamed(server.client, 'Hello')
  const { key } = await server.client('createNetwork', {
    name: 'Lab',
    settings: { dhcp: { network: '10.7.0.0' } },
  })
  return { ...server, id, key, vmc: path }
}

test('an adapter is moved while its machine runs, and gets its address on the other network', {
  timeout: 180_000,
}, async (t) => {
  const { client, id, key, vmc } = await lab(t)
  await client('startMachine', { id })
  const [lease] = await until('a lease of the first network', async () => {
    const leases = await client('leases', { key: 'internal' })
    return leases.length > 0 ? leases : undefined
  })
  assert.equal(lease?.address, '10.244.0.16')
  const before = readFileSync(vmc)
  const { adapter, previous } = await client('moveAdapter', { id, index: 0, network: key })
  assert.deepEqual([adapter.network, previous.name], [key, 'Internal Network'])
  const { status, adapters } = await client('network', { key })
  assert.deepEqual(
    status?.ports.map(({ name }) => name),
    [adapters[0]?.port],
  )
  assert.equal((await client('network', { key: 'internal' })).status?.ports.length, 0)
  const past = await until('a second with traffic in the history of the network it was on', async () => {
    const history = await client('networkHistory', { key: 'internal' })
    return history?.total.seconds.some(({ bytesReceived }) => bytesReceived > 0) ? history : undefined
  })
  assert.equal(past.total.seconds.length, 60)
  assert.notDeepEqual(readFileSync(vmc), before)
  await client('resetMachine', { id })
  await until('a lease of the second network', async () =>
    (await client('leases', { key })).some(({ address }) => address === '10.7.0.16'),
  )
  await assert.rejects(client('removeNetwork', { key }), withCode('network-in-use'))
  await client('removeNetwork', { key, force: true })
  const [unplugged] = await client('adapters', {})
  assert.deepEqual([unplugged?.network, unplugged?.wanted.name], [undefined, 'Lab'])
  await client('moveAdapter', { id, index: 0, wanted: previous })
  assert.equal((await client('adapters', {}))[0]?.network, 'internal')
  await client('turnOffMachine', { id, undo: 'discard' })
  await until('the port is closed', async () => {
    const { ports } = (await client('network', { key: 'internal' })).status!
    return ports.length === 0 || undefined
  })
})

test('a moved cable stays where it is when the server is started anew', {
  skip: !qemu.available && 'qemu is not here',
  timeout: 180_000,
}, async (t) => {
  const data = newFolder(t)
  const first = await startServer(t, data, ['--keep-running'])
  const { id } = await machineNamed(first.client, 'Hello')
  const { key } = await first.client('createNetwork', { name: 'Lab' })
  await first.client('changeMachine', { id, engineWish: 'qemu' })
  await first.client('startMachine', { id })
  await first.client('moveAdapter', { id, index: 0, network: key })
  const portOf = async (client: typeof first.client) => (await client('network', { key })).status?.ports
  const framesOf = async (client: typeof first.client) => (await portOf(client))?.[0]?.counters.framesReceived
  const before = await until('traffic at the port', async () => (await framesOf(first.client)) || undefined)
  await first.stop()
  const { client } = await startServer(t, data)
  assert.equal((await machineNamed(client, 'Hello')).state, 'Running')
  await until('the port again', async () => (await portOf(client))?.length === 1)
  // The switch lived on, and so did what the port counted.
  assert.ok((await framesOf(client))! >= before)
  assert.equal((await client('adapters', {}))[0]?.network, key)
  await client('moveAdapter', { id, index: 0, network: null })
  assert.deepEqual(await portOf(client), [])
  await client('turnOffMachine', { id, undo: 'discard' })
})

test('a network’s file that is edited by hand counts at once, and a damaged one harms nobody', {
  timeout: 180_000,
}, async (t) => {
  const { client, data, id, key } = await lab(t)
  await client('moveAdapter', { id, index: 0, network: key })
  await client('startMachine', { id })
  const network = async () => (await client('network', { key })).status
  await until('the port', async () => (await network())?.ports.length === 1)
  const path = join(data, 'Shared Virtual Networks', 'Lab.vnc')
  const told = async (code: string) =>
    (await client('events', {})).filter((event) => event.code === code).map(({ message }) => message)
  const [port] = (await network())!.ports
  const text = readFileSync(path, 'utf16le')
  // Addresses are numbers there: 10.7.0.0 becomes 10.8.0.0.
  const edited = text.replace(/>(1682\d{5})</g, (_, number) => `>${Number(number) + 0x1_0000}<`)
  writeFileSync(path, edited, 'utf16le')
  const server = async () => (await network())?.services.dhcp?.server
  await until('the new settings', async () => (await server()) === '10.8.0.1')
  assert.match((await told('network-file-changed')).join(), /^"Lab" was changed in its file\.$/)
  writeFileSync(path, 'nonsense')
  const [damaged] = await until('the event', async () => {
    const messages = await told('network-file-damaged')
    return messages.length > 0 ? messages : undefined
  })
  assert.match(damaged!, /"Lab" cannot be used, and the network goes on as it was/)
  // Neither is it harmed by what else is changed meanwhile.
  await client('createNetwork', { name: 'Other' })
  assert.equal(await server(), '10.8.0.1')
  assert.deepEqual([(await network())?.ports.length, (await network())?.ports[0]?.id], [1, port!.id])
  writeFileSync(path, text, 'utf16le')
  await until('the old settings', async () => (await server()) === '10.7.0.1')
  await client('turnOffMachine', { id, undo: 'discard' })
})

test('what passes is recorded to a file and to a reader, and a lease becomes a reservation', {
  timeout: 180_000,
}, async (t) => {
  const { client, data, url, id, key } = await lab(t)
  await client('moveAdapter', { id, index: 0, network: key })
  const { id: capture, path } = await client('startCapture', { key, filter: {} })
  const token = readFileSync(join(data, 'cli-token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}` }
  const live = await fetch(`${url}/api/networks/${key}/capture.pcapng?protocol=udp`, { headers })
  const reader = live.body!.getReader()
  await client('startMachine', { id })
  const { address } = await until('a lease', async () =>
    (await client('leases', { key })).find(({ state }) => state === 'bound'),
  )
  // pcapng, section 4.1: the type of a Section Header Block.
  const head = Buffer.from([0x0a, 0x0d, 0x0d, 0x0a])
  const bytes: Uint8Array[] = []
  await until('frames come live', async () => {
    bytes.push((await reader.read()).value!)
    return Buffer.concat(bytes).length > 400 || undefined
  })
  await reader.cancel()
  assert.deepEqual(Buffer.concat(bytes).subarray(0, 4), head)
  await client('stopCapture', { id: capture })
  const file = readFileSync(path!)
  assert.deepEqual(file.subarray(0, 4), head)
  assert.ok(file.length > 400)
  const [entry] = await client('captureFiles', {})
  const download = await fetch(`${url}/api/capture-files/${entry!.name}`, { headers })
  assert.deepEqual(Buffer.from(await download.arrayBuffer()), file)
  await client('deleteCaptureFile', { name: entry!.name })
  await client('reserveLease', { key, address })
  const { settings } = await client('network', { key })
  assert.equal(settings.dhcp?.reservations?.[0]?.address, address)
  await client('deleteLease', { key, address })
  await assert.rejects(client('deleteLease', { key, address }), { kind: 'not-found' })
})

test('a port has settings, which stay, and a damaged file harms no other network', {
  timeout: 180_000,
}, async (t) => {
  const { client, id, data } = await lab(t)
  await client('startMachine', { id })
  await client('changePort', { id, index: 0, guard: {}, promiscuous: true, conditions: { lossPercent: 1 } })
  const changed = await client('changePort', { id, index: 0, conditions: null, linkUp: false })
  assert.equal(changed.settings.guard?.mac, changed.mac)
  assert.deepEqual([changed.settings.conditions, changed.settings.linkUp], [undefined, false])
  writeFileSync(join(data, 'Shared Virtual Networks', 'Lab.vnc'), '<preferences>')
  const broken = (await client('networks', {})).find(({ name }) => name === 'Lab')
  assert.equal(broken?.problems[0]?.severity, 'error')
  await client('changePort', { id, index: 0, linkUp: true })
  assert.equal((await client('network', { key: 'internal' })).isOn, true)
})
