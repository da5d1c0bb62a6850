import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { asciiBytes, VivariumError } from '../../src/base/index.ts'
import {
  adoptSwitch,
  type StartSwitchOptions,
  type SwitchClient,
  startSwitch,
} from '../../src/engine/switch-process/client.ts'
import { encodeEthernet, framesOf, RunReader, runOf } from '../../src/network/index.ts'
import { isSameProcess } from '../../src/system/index.ts'

const [A, B, ALL] = [0x0003_ff00_000a, 0x0003_ff00_000b, 0xffff_ffff_ffff]
const LAB = { name: 'Lab', key: 'lab' }

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'vsw-'))
  t.after(async () => {
    await (await adoptSwitch(folder))?.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

async function open(t: TestContext, options: Partial<StartSwitchOptions> = {}) {
  const socketFolder = folderFor(t)
  return { socketFolder, client: await startSwitch({ socketFolder, networks: [LAB], ...options }) }
}

/** A station on a network's socket, as an engine plugs one in; resolves when the switch has taken it in. */
async function plug(client: SwitchClient, key: string, path = client.socketOf(key)) {
  const ports = async () =>
    (await client.status()).networks.find((network) => network.key === key)?.ports.length ?? 0
  const before = await ports()
  const socket = net.connect(path)
  socket.on('error', () => undefined)
  while ((await ports()) === before) await new Promise((resolve) => setTimeout(resolve, 2))
  const heard: Uint8Array[] = []
  const reader = new RunReader()
  socket.on('data', (chunk) => reader.push(chunk, (run) => heard.push(...framesOf(run))))
  return {
    socket,
    say: (to: number, from: number, text: string | Uint8Array) => {
      const payload = typeof text === 'string' ? asciiBytes(text) : text
      return socket.write(runOf(encodeEthernet({ destination: to, source: from, type: 0x88b5, payload })))
    },
    /** The text of the next frame. */
    async hear(): Promise<string> {
      while (heard.length === 0) await once(socket, 'data')
      return Buffer.from(heard.shift()!.subarray(14)).toString('latin1').replace(/\0+$/, '')
    },
  }
}

test('two stations talk through the process, and its status shows them', async (t) => {
  const { client } = await open(t)
  const [a, b] = [await plug(client, 'lab'), await plug(client, 'lab')]
  a.say(ALL, A, 'anybody?')
  assert.equal(await b.hear(), 'anybody?')
  b.say(A, B, 'me')
  assert.equal(await a.hear(), 'me')
  const [network] = (await client.status()).networks
  assert.deepEqual(
    network?.stations.map(({ mac }) => mac),
    ['00:03:ff:00:00:0a', '00:03:ff:00:00:0b'],
  )
  assert.deepEqual(
    network?.ports.map(({ counters }) => counters.framesSent),
    [1, 1],
  )
  await client.stop()
  assert.equal(isSameProcess(client.identity), false)
})

test('stations of different networks do not hear each other', async (t) => {
  const { client } = await open(t, { networks: [LAB, { name: 'Office', key: 'office' }] })
  const a = await plug(client, 'lab')
  const [b, c] = [await plug(client, 'office'), await plug(client, 'lab')]
  a.say(ALL, A, 'lab only')
  assert.equal(await c.hear(), 'lab only')
  b.say(ALL, B, 'office only')
  c.say(ALL, B, 'still lab')
  assert.equal(await a.hear(), 'still lab')
})

test('it outlives its owner while a station is plugged in, and the next owner takes it over', async (t) => {
  const { client, socketFolder } = await open(t, { idleSeconds: 0.05 })
  const [a, b] = [await plug(client, 'lab'), await plug(client, 'lab')]
  client.detach()
  const adopted = await startSwitch({ socketFolder, networks: [{ ...LAB, name: 'Laboratory', dhcp: {} }] })
  assert.deepEqual(adopted.identity, client.identity)
  a.say(ALL, A, 'still here')
  assert.equal(await b.hear(), 'still here')
  const [network] = (await adopted.status()).networks
  assert.deepEqual(
    [network?.name, network?.ports.length, network?.host?.address],
    ['Laboratory', 2, '10.244.0.1'],
  )
})

test('without owner and stations it ends by itself and leaves no sockets', async (t) => {
  const { client, socketFolder } = await open(t, { idleSeconds: 0.05 })
  const watcher = await adoptSwitch(socketFolder)
  const ended = new Promise((resolve) => watcher!.events.on('closed', () => resolve(undefined)))
  const a = await plug(client, 'lab')
  client.detach()
  watcher!.detach()
  await ended
  a.socket.destroy()
  while (isSameProcess(client.identity)) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(await adoptSwitch(socketFolder), undefined)
  assert.deepEqual(readdirSync(socketFolder), ['switch.log'])
})

test('stopped, it takes its folder with it, unless something else lies there', async (t) => {
  const { client, socketFolder } = await open(t)
  await client.stop()
  assert.equal(existsSync(socketFolder), false)
  const again = await startSwitch({ socketFolder, networks: [] })
  writeFileSync(join(socketFolder, 'note'), '')
  await again.stop()
  assert.ok(existsSync(join(socketFolder, 'note')))
})

test('one that was stopped by a signal is not waited for without end', async (t) => {
  const { client, socketFolder } = await open(t)
  process.kill(client.identity.pid, 'SIGSTOP')
  assert.equal(await adoptSwitch(socketFolder), undefined)
  await client.stop()
  assert.equal(isSameProcess(client.identity), false)
  const long = join(socketFolder, 'x'.repeat(100))
  await assert.rejects(adoptSwitch(long), { code: 'socket-path-too-long' })
})

test('a crash of the process is an event, a clear error, and no obstacle to the next', async (t) => {
  const { client, socketFolder } = await open(t)
  const closed = new Promise((resolve) => client.events.on('closed', () => resolve('closed')))
  process.kill(client.identity.pid, 'SIGKILL')
  assert.equal(await closed, 'closed')
  await assert.rejects(
    client.status(),
    (error) => error instanceof VivariumError && error.code === 'switch-gone',
  )
  const next = await startSwitch({ socketFolder, networks: [LAB] })
  await plug(next, 'lab')
  assert.equal((await next.status()).networks.length, 1)
})

test('a closed network unplugs its stations, the others notice nothing', async (t) => {
  const { client } = await open(t, { networks: [LAB, { name: 'Office', key: 'office' }] })
  const [a, b] = [await plug(client, 'lab'), await plug(client, 'lab')]
  const c = await plug(client, 'office')
  await client.configure({ networks: [LAB] })
  if (!c.socket.closed) await once(c.socket, 'close')
  a.say(ALL, A, 'as before')
  assert.equal(await b.hear(), 'as before')
})

test('a port is patched to another network while its station stays plugged in', async (t) => {
  const networks = [LAB, { name: 'Office', key: 'office' }]
  const port = { key: 'xp-0', name: 'XP, adapter 1' }
  const { client } = await open(t, { networks, ports: [{ ...port, network: 'lab' }] })
  const moved = await plug(client, 'lab', client.socketOfPort('xp-0'))
  const [inLab, inOffice] = [await plug(client, 'lab'), await plug(client, 'office')]
  moved.say(ALL, A, 'lab')
  assert.equal(await inLab.hear(), 'lab')
  await client.configure({ networks, ports: [{ ...port, network: 'office' }] })
  moved.say(ALL, A, 'office')
  assert.equal(await inOffice.hear(), 'office')
  inOffice.say(ALL, B, 'welcome')
  assert.equal(await moved.hear(), 'welcome')
  await client.configure({ networks, ports: [port] })
  moved.say(ALL, A, 'to nobody')
  // It comes by a socket of its own: an answer of the process shows that it has read that one too.
  await client.status()
  await client.configure({ networks, ports: [{ ...port, network: 'lab' }] })
  moved.say(ALL, A, 'back')
  assert.equal(await inLab.hear(), 'back')
  assert.equal((await client.status()).ports[0]?.stations, 1)
  await assert.rejects(client.configure({ networks: [LAB], ports: [{ ...port, network: 'office' }] }), {
    code: 'no-such-network',
  })
})

test('a stream that is not one of frames unplugs that station alone', async (t) => {
  const { client } = await open(t)
  const [a, b] = [await plug(client, 'lab'), await plug(client, 'lab')]
  const stray = await plug(client, 'lab')
  stray.socket.write('GET / HTTP/1.1\r\n\r\n')
  await once(stray.socket, 'close')
  a.say(ALL, A, 'as before')
  assert.equal(await b.hear(), 'as before')
})

test('a station that does not read loses its own frames and nobody else’s', async (t) => {
  const { client } = await open(t)
  const [a, b] = [await plug(client, 'lab'), await plug(client, 'lab')]
  const stuck = await plug(client, 'lab')
  stuck.socket.pause()
  const big = new Uint8Array(1500).fill(0x61)
  const rounds = 60
  for (let round = 0; round < rounds; round++) {
    for (let frame = 0; frame < 100; frame++) a.say(ALL, A, big)
    for (let frame = 0; frame < 100; frame++) assert.equal((await b.hear()).length, 1500)
  }
  const [, heard, lost] = (await client.status()).networks[0]!.ports.map(({ counters }) => counters)
  assert.deepEqual([heard!.framesSent, heard!.framesDropped], [rounds * 100, 0])
  assert.ok(lost!.framesDropped > 0)
  assert.equal(lost!.framesSent + lost!.framesDropped, rounds * 100)
})

test('a station that floods does not starve a quiet pair, even where its flood is not read', async (t) => {
  const { client } = await open(t)
  const [a, b] = [await plug(client, 'lab'), await plug(client, 'lab')]
  const flood = await plug(client, 'lab')
  b.socket.pause()
  const big = new Uint8Array(1500).fill(0x61)
  const lost = async () => (await client.status()).networks[0]!.ports[1]!.counters.framesDropped
  while ((await lost()) === 0)
    for (let frame = 0; frame < 500; frame++) if (!flood.say(ALL, 0x0003_ff00_000c, big)) break
  const quiet = 300
  const floodLost = await lost()
  for (let frame = 0; frame < quiet; frame++) {
    a.say(B, A, `quiet ${frame}`)
    flood.say(ALL, 0x0003_ff00_000c, big)
  }
  while ((await client.status()).networks[0]!.ports[0]!.counters.framesReceived < quiet);
  b.socket.resume()
  const heard: string[] = []
  while (heard.length < quiet) {
    const text = await b.hear()
    if (text.startsWith('quiet')) heard.push(text)
  }
  assert.deepEqual(
    heard,
    Array.from({ length: quiet }, (_, frame) => `quiet ${frame}`),
  )
  assert.ok((await lost()) >= floodLost)
})

test('what moved is in the history of the network and of its ports', async (t) => {
  const { client } = await open(t)
  const [a, b] = [await plug(client, 'lab'), await plug(client, 'lab')]
  a.say(ALL, A, 'hello')
  await b.hear()
  const sent = async () => {
    const { total, ports } = await client.history('lab')
    return [total, ...ports].map(({ seconds }) =>
      seconds.reduce((sum, { framesSent }) => sum + framesSent, 0),
    )
  }
  while ((await sent())[0] === 0) await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(await sent(), [1, 0, 1])
  await assert.rejects(client.history('office'), { code: 'no-such-network' })
})

test('settings that cannot work are refused with all reasons, and nothing stays behind', async (t) => {
  const socketFolder = folderFor(t)
  const start = (networks: StartSwitchOptions['networks']) => startSwitch({ socketFolder, networks })
  await assert.rejects(start([{ ...LAB, dhcp: { start: '10.244.0.3' } }]), /start address is 10\.244\.0\.3/)
  await assert.rejects(
    start([{ ...LAB, key: '../lab' }]),
    (error) => (error as VivariumError).where.field === 'networks.0.key',
  )
  await assert.rejects(start([LAB, LAB]), /"lab"/)
  assert.equal(existsSync(socketFolder), false)
  mkdirSync(socketFolder)
  const leaseFile = join(socketFolder, 'leases.json')
  writeFileSync(leaseFile, 'nonsense')
  await assert.rejects(
    start([{ ...LAB, dhcp: {}, leaseFile }]),
    (error) => error instanceof VivariumError && error.where.path === leaseFile && error.next !== undefined,
  )
  assert.equal(await adoptSwitch(socketFolder), undefined)
})

test('a folder whose name is too long for sockets is refused', async (t) => {
  const socketFolder = join(folderFor(t), 'x'.repeat(100))
  await assert.rejects(
    startSwitch({ socketFolder, networks: [LAB] }),
    (error) => error instanceof VivariumError && error.code === 'socket-path-too-long',
  )
})
