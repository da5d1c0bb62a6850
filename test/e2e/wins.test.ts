import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adoptSwitch, type SwitchNetwork, startSwitch } from '../../src/engine/index.ts'
import { missingForNamespace, type NamespaceStation, plugNamespace } from './namespace.ts'

/** Samba's name service and its clients, in network namespaces, with the network's own WINS server. */

async function lab(t: TestContext, settings: Partial<SwitchNetwork>) {
  const socketFolder = mkdtempSync(join(tmpdir(), 'vwins-'))
  t.after(async () => {
    await (await adoptSwitch(socketFolder))?.stop()
    rmSync(socketFolder, { recursive: true, force: true })
  })
  const client = await startSwitch({ socketFolder, networks: [{ name: 'Lab', key: 'lab', ...settings }] })
  return Object.assign(client, { folder: socketFolder })
}

const SERVER = '10.244.0.1'
/** Samba's own place for its sockets is not there in a /run that is empty. */
const atAddress = (last: number, broadcast = '+') => ({
  setup: `mkdir /run/samba; ip addr add 10.244.0.${last}/24 brd ${broadcast} dev tap0`,
})
const TIMEOUT_MS = 40_000

/** A Samba that keeps everything below the station's own folder. */
function configure(station: NamespaceStation, name: string, more: Record<string, string> = {}): string {
  const file = join(station.folder, 'smb.conf')
  const own = ['lock', 'state', 'cache', 'pid', 'private'].map((kind) => {
    const path = join(station.folder, kind)
    mkdirSync(path, { recursive: true })
    return `${kind === 'private' ? 'private dir' : `${kind} directory`} = ${path}`
  })
  const settings = {
    workgroup: 'LAB',
    'netbios name': name,
    'wins server': SERVER,
    'log level': '1',
    ...more,
  }
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}`)
  writeFileSync(file, ['[global]', ...lines, ...own, ''].join('\n'))
  return file
}

function startNmbd(station: NamespaceStation, file: string): ChildProcess {
  mkdirSync(join(station.folder, 'log'), { recursive: true })
  return station.start('nmbd', '-F', '-s', file, '-l', join(station.folder, 'log'))
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it took too long until ${what}`)
    await delay(200)
  }
}

test('nmbd registers with the server, nmblookup and smbclient find it there, and it gives its names back', {
  timeout: 120_000,
}, async (t) => {
  if (missingForNamespace(t, 'nmbd', 'nmblookup', 'smbclient')) return
  const client = await lab(t, { address: `${SERVER}/24`, wins: {} })
  const [files, asker] = await Promise.all([
    plugNamespace(t, client.socketOf('lab'), atAddress(16)),
    plugNamespace(t, client.socketOf('lab'), atAddress(17)),
  ])
  const wins = async () => (await client.status()).networks[0]!.services.wins!
  const addressOf = async (name: string) =>
    (await wins()).registrations.find((each) => each.name === name)?.addresses.join(' ')
  const file = configure(files, 'FILES')
  const nmbd = startNmbd(files, file)
  await until('FILES<20> is registered', async () => (await addressOf('FILES<20>')) === '10.244.0.16')
  assert.equal(await addressOf('FILES<00>'), '10.244.0.16')
  await until('the workgroup is registered', async () => (await addressOf('LAB<1E>')) === '')

  const askerFile = configure(asker, 'ASKER')
  const lookup = (...args: string[]) => asker.run('nmblookup', '-s', askerFile, ...args)
  const recursive = ['-U', SERVER, '--recursion']
  assert.match(await lookup(...recursive, 'files#20'), /^10\.244\.0\.16 files<20>/m)
  await assert.rejects(lookup(...recursive, 'nobody'), /failed to find/)
  assert.match(await lookup('-A', SERVER), /VIVARIUM\s+<00>[\s\S]*MAC Address = 02-56-/)
  // The name alone leads smbclient to the machine, where nobody serves files; a name that is not there, nowhere.
  const connect = (name: string) => [
    '--option=name resolve order=wins',
    '-s',
    askerFile,
    '-N',
    '-L',
    `//${name}`,
  ]
  await assert.rejects(asker.run('smbclient', ...connect('FILES')), /NT_STATUS_CONNECTION_REFUSED/)
  await assert.rejects(asker.run('smbclient', ...connect('NOBODY')), /NT_STATUS_NOT_FOUND/)
  nmbd.kill('SIGTERM')
  await until('FILES<20> is given back', async () => (await addressOf('FILES<20>')) === undefined)
  assert.ok((await wins()).counts.releases > 0)
})

test('what nmbd registered is there after the switch was killed, until its time', {
  timeout: 120_000,
}, async (t) => {
  if (missingForNamespace(t, 'nmbd', 'nmblookup')) return
  const folder = mkdtempSync(join(tmpdir(), 'journals-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const settings = { address: `${SERVER}/24`, wins: {}, winsFile: join(folder, 'lab.wins.json') }
  const client = await lab(t, settings)
  const registrations = async (of = client) =>
    (await of.status()).networks[0]!.services.wins!.registrations.toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    )
  const files = await plugNamespace(t, client.socketOf('lab'), atAddress(16))
  startNmbd(files, configure(files, 'FILES'))
  const names = async () => (await registrations()).map(({ name }) => name)
  await until('its names are registered', async () => {
    const there = await names()
    return ['FILES<00>', 'FILES<03>', 'FILES<20>', 'LAB<1E>'].every((name) => there.includes(name))
  })
  const closed = new Promise((resolve) => client.events.on('closed', resolve))
  const before = await registrations()
  process.kill(client.identity.pid, 'SIGKILL')
  await closed
  await files.unplug()
  const next = await startSwitch({
    socketFolder: client.folder,
    networks: [{ name: 'Lab', key: 'lab', ...settings }],
  })
  const after = await registrations(Object.assign(next, { folder: client.folder }))
  const seen = new Set(after.map((each) => JSON.stringify(each)))
  // With the very ends that nmbd was told; it may have registered more at the last moment.
  for (const each of before) assert.ok(seen.has(JSON.stringify(each)), each.name)
  const asker = await plugNamespace(t, next.socketOf('lab'), atAddress(17))
  const lookup = ['-s', configure(asker, 'ASKER'), '-U', SERVER, '--recursion', 'files#20']
  assert.match(await asker.run('nmblookup', ...lookup), /^10\.244\.0\.16 files<20>/m)
})

test('a name that a living machine has goes to nobody else; when that is gone, it does', {
  timeout: 120_000,
}, async (t) => {
  if (missingForNamespace(t, 'nmbd')) return
  const client = await lab(t, { address: `${SERVER}/24`, wins: {} })
  const events: string[] = []
  client.events.on('network', ({ code }) => events.push(code))
  const holder = async () => {
    const { registrations } = (await client.status()).networks[0]!.services.wins!
    return registrations.find(({ name }) => name === 'TWIN<20>')?.addresses.join(' ')
  }
  const first = await plugNamespace(t, client.socketOf('lab'), atAddress(16))
  // A broadcast address of its own: it hears of the first by the server alone, as if a router were between them.
  const second = await plugNamespace(t, client.socketOf('lab'), atAddress(17, '10.244.0.19'))
  const apart = () => configure(second, 'TWIN', { interfaces: '10.244.0.17/255.255.255.252' })
  startNmbd(first, configure(first, 'TWIN'))
  await until('the first has the name', async () => (await holder()) === '10.244.0.16')
  const late = startNmbd(second, apart())
  await until('the second was refused', async () => events.includes('wins-name-conflict'))
  assert.equal(await holder(), '10.244.0.16')
  late.kill('SIGKILL')
  await first.unplug()
  startNmbd(second, apart())
  await until('the second has the name', async () => (await holder()) === '10.244.0.17')
})

test('DHCP leads Windows to the server: options 44 and 46', { timeout: 60_000 }, async (t) => {
  if (missingForNamespace(t, 'dhclient')) return
  const client = await lab(t, { dhcp: {}, wins: {} })
  const station = await plugNamespace(t, client.socketOf('lab'))
  const [file, leases] = [join(station.folder, 'dhclient.conf'), join(station.folder, 'leases')]
  writeFileSync(file, 'request subnet-mask, netbios-name-servers, netbios-node-type;\n')
  writeFileSync(leases, '')
  await station.run('dhclient', '-4', '-1', '-cf', file, '-lf', leases, station.device)
  assert.match(
    await station.run('cat', leases),
    /netbios-name-servers 10\.244\.0\.1;[\s\S]*netbios-node-type 8;/,
  )
})
