import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { NAT_NETWORK_ID } from '../../machine/index.ts'
import { type NetworkDocumentInput, networkDocumentSchema } from '../../network/index.ts'
import { dataFolderAt, makeDataFolder } from '../data-folder.ts'
import { Database } from '../database.ts'
import { EventLog } from '../event-log.ts'
import { Registry } from '../registry.ts'
import { EditedFiles } from './edited-files.ts'
import { withReservation } from './leases.ts'
import { Networks } from './networks.ts'

/** The networks of a data folder, with its database and files, and without a switch: nothing runs here. */
function lab(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'networks-'))
  const folder = makeDataFolder(dataFolderAt(root))
  t.after(() => {
    rmSync(root, { recursive: true })
    rmSync(folder.run, { recursive: true, force: true })
  })
  const open = () => {
    const database = new Database(folder.database)
    const events = new EventLog(database)
    t.after(() => database.close())
    return { networks: new Networks(folder, new Registry(database), events), events }
  }
  return { root, folder, open, file: (name: string) => join(folder.sharedNetworks, `${name}.vnc`) }
}

const settings = (input: NetworkDocumentInput) => networkDocumentSchema.parse(input)
const named = (networks: Networks, name: string) => networks.list.match({ kind: 'network', id: '', name })

test('a fresh data folder has the networks of Virtual Server and Virtual PC', async (t) => {
  const { open, file } = lab(t)
  const { networks } = open()
  const filed = (await networks.summaries()).filter(({ builtIn }) => builtIn !== 'external')
  assert.deepEqual(
    filed.map(({ key, name, kind, dhcp }) => [key, name, kind, dhcp.enabled]),
    [
      ['internal', 'Internal Network', 'internal', true],
      ['local', 'Local only', 'internal', false],
      ['nat', 'Shared networking (NAT)', 'nat', true],
    ],
  )
  assert.equal(filed[2]?.id, NAT_NETWORK_ID)
  for (const { name, problems } of filed) {
    assert.ok(existsSync(file(name)))
    assert.deepEqual(problems, [])
  }
})

test('an adapter is matched by id, then by name in any case, and otherwise not', async (t) => {
  const { networks } = lab(t).open()
  const { id } = await networks.create('Lab', settings({}))
  const match = (id: string, name: string) => networks.list.match({ kind: 'network', id, name })?.name
  assert.equal(match(id, 'Another name'), 'Lab')
  assert.equal(match(id.toUpperCase(), ''), 'Lab')
  assert.equal(match('00000000-0000-0000-0000-000000000001', ' internal NETWORK'), 'Internal Network')
  assert.equal(match('00000000-0000-0000-0000-000000000001', 'Broadcom NetXtreme'), undefined)
  assert.equal(networks.list.match({ kind: 'none' }), undefined)
  assert.equal(networks.list.match({ kind: 'nat', id: NAT_NETWORK_ID })?.key, 'nat')
})

test('networks, their settings and names survive a restart, and ids stay', async (t) => {
  const { open, file } = lab(t)
  const first = open().networks
  const asked = settings({
    dhcp: { network: '10.7.0.0', reservations: [{ mac: '00:03:ff:00:00:01', address: '10.7.0.99' }] },
    mtu: 9000,
    notes: 'For the course',
    uplink: { kind: 'nat', forwards: [{ hostPort: 8080, guestAddress: '10.7.0.99', guestPort: 80 }] },
  })
  const { key, id } = await first.create('Lab', asked)
  await first.change(key, { name: 'Course' })
  assert.ok(!existsSync(file('Lab')))
  const again = open().networks
  const network = again.list.get(key)
  assert.deepEqual([network.name, network.id, network.kind], ['Course', id, 'nat'])
  assert.deepEqual(network.document, asked)
})

test('what happens to a network is told of it, whatever it is called', async (t) => {
  const { networks, events } = lab(t).open()
  const { key } = await networks.create('Lab', settings({}))
  await networks.create('Lab 2', settings({}))
  await networks.change(key, { name: 'Course' })
  const told = () =>
    events
      .list({ limit: 10, network: networks.namedOf(key) })
      .map(({ code, networkKey, networkName }) => [code, networkKey, networkName])
  const changes = [
    ['network-changed', 'lab', 'Course'],
    ['network-created', 'lab', 'Lab'],
  ]
  assert.deepEqual(told(), changes)
  await networks.remove(key, { force: false, deleteFile: true })
  assert.deepEqual(told(), [['network-removed', 'lab', 'Course'], ...changes])
})

test('settings that cannot work are refused, and nothing is changed by them', async (t) => {
  const { open, file } = lab(t)
  const { networks } = open()
  const before = readFileSync(file('Internal Network'))
  const bad = settings({ dhcp: { network: '10.7.0.1' } })
  await assert.rejects(networks.change('internal', { settings: bad }), { code: 'dhcp-settings' })
  await assert.rejects(networks.create('Bad', bad), { code: 'dhcp-settings' })
  assert.deepEqual(readFileSync(file('Internal Network')), before)
  assert.equal(named(networks, 'Bad'), undefined)
  assert.ok(!existsSync(file('Bad')))
  await assert.rejects(networks.create('internal network', settings({})), { code: 'network-name-taken' })
  for (const name of ['a/b', '..', ' x', 'con'])
    await assert.rejects(networks.create(name, settings({})), { code: 'machine-name' })
})

test('a file elsewhere is added where it lies, and what is removed is not found again', async (t) => {
  const { open, root, folder, file } = lab(t)
  const { networks } = open()
  mkdirSync(join(root, 'elsewhere'))
  const path = join(root, 'elsewhere', 'Old Lab.vnc')
  const vnc = `<preferences><virtual_network><id type="bytes">${'AB'.repeat(16)}</id></virtual_network><dhcp><enabled type="boolean">true</enabled></dhcp></preferences>`
  writeFileSync(path, vnc)
  const [added] = await networks.add(path)
  assert.deepEqual([added?.name, added?.path, added?.dhcp.enabled], ['Old Lab', path, true])
  await assert.rejects(networks.add(path), { code: 'network-registered' })
  await networks.remove(added!.key, { force: false, deleteFile: false })
  assert.equal(readFileSync(path, 'utf8'), vnc)
  await networks.remove('local', { force: false, deleteFile: false })
  copyFileSync(path, join(folder.sharedNetworks, 'Copied.vnc'))
  const again = open().networks
  assert.equal(named(again, 'Local only'), undefined)
  assert.ok(existsSync(file('Local only')))
  assert.equal(named(again, 'Copied')?.id, 'abababab-abab-abab-abab-abababababab')
  assert.equal((await again.add(file('Local only')))[0]?.key, 'local', 'under its old key')
})

test('a file that is damaged is a problem of its own network', async (t) => {
  const { open, folder } = lab(t)
  writeFileSync(join(folder.sharedNetworks, 'Torn.vnc'), '<preferences><virtual_network>')
  writeFileSync(
    join(folder.sharedNetworks, 'Wrong.vnc'),
    '<preferences><virtual_network/><vivarium><mtu type="integer">7</mtu></vivarium></preferences>',
  )
  const summaries = await open().networks.summaries()
  const problem = (name: string) => summaries.find((each) => each.name === name)!.problems[0]
  assert.equal(problem('Torn')?.severity, 'error')
  assert.equal(problem('Torn')?.where?.path, join(folder.sharedNetworks, 'Torn.vnc'))
  assert.equal(problem('Wrong')?.where?.field, 'vivarium/mtu')
  assert.deepEqual(problem('Internal Network'), undefined)
})

test('the networks of an Options.xml become files here, those that are known excepted', async (t) => {
  const { open, root } = lab(t)
  const { networks } = open()
  const path = join(root, 'Options.xml')
  const dhcp =
    '<virtual_server><dhcp><enabled type="boolean">true</enabled><network type="integer">2851995648</network><network_mask type="integer">4294901760</network_mask></dhcp></virtual_server>'
  writeFileSync(
    path,
    `<preferences><a><virtual_network id="0"><id type="bytes">${'AB'.repeat(16)}</id><name type="string">Internes Netzwerk</name>${dhcp}</virtual_network>
     <virtual_network id="1"><id type="bytes">${'01'.repeat(16)}</id><name type="string">(NAT)</name></virtual_network></a></preferences>`,
  )
  const added = await networks.add(path)
  assert.deepEqual(
    added.map(({ name, dhcp }) => [name, dhcp.range]),
    [['Internes Netzwerk', '169.254.0.16 - 169.254.255.254']],
  )
  assert.deepEqual(await networks.add(path), [], 'the second time there is nothing new')
})

test('a reservation takes the place of one that the machine has already', () => {
  const lease = {
    address: '10.244.0.16',
    client: '01',
    mac: '00:03:ff:00:00:01',
    hostName: 'xp',
    state: 'bound' as const,
    expiresAt: new Date().toISOString(),
  }
  const once = withReservation(settings({ dhcp: {} }), lease)
  const twice = withReservation(once, { ...lease, address: '10.244.0.17' })
  assert.deepEqual(twice.dhcp?.reservations, [
    { address: '10.244.0.17', mac: '00:03:ff:00:00:01', hostName: 'xp' },
  ])
})

/** Addresses are numbers in the file: 10.7.0.0 becomes 10.8.0.0, and so on. */
function moved(text: string, by: number): string {
  return text.replace(/>(1682\d{5})</g, (_, number) => `>${Number(number) + by * 0x1_0000}<`)
}

test('a file that was edited by hand is told of once, when it stays so for two looks', async (t) => {
  const { open, file } = lab(t)
  const { networks } = open()
  const made = await networks.create('Lab', settings({ dhcp: { network: '10.7.0.0' } }))
  const edited = new EditedFiles()
  const look = () => edited.look(networks.list.all().filter(({ key }) => key === made.key))
  const edit = (text: string) => writeFileSync(file('Lab'), text, 'utf16le')
  const server = () => edited.configOf(networks.list.get(made.key))?.dhcp?.network
  assert.deepEqual(look(), { edits: [], isUnsettled: false })
  assert.equal(server(), '10.7.0.0')
  edited.confirm()
  const before = readFileSync(file('Lab'), 'utf16le')
  edit(moved(before, 1))
  assert.deepEqual(look(), { edits: [], isUnsettled: true })
  const [changed] = look().edits
  assert.deepEqual([changed?.network.key, changed?.problem], [made.key, undefined])
  assert.equal(server(), '10.8.0.0')
  edited.confirm()
  assert.deepEqual(look(), { edits: [], isUnsettled: false })
  // Written in pieces, nobody hears of what was there in between.
  edit(before.slice(0, 100))
  assert.equal(look().isUnsettled, true)
  edit(moved(before, 1))
  assert.deepEqual(
    [look(), look()],
    [
      { edits: [], isUnsettled: false },
      { edits: [], isUnsettled: false },
    ],
  )
})

test('a damaged file, one that is gone, and settings that the switch refuses leave the network as it was', async (t) => {
  const { open, file } = lab(t)
  const { networks } = open()
  const made = await networks.create('Lab', settings({ dhcp: { network: '10.7.0.0' } }))
  const edited = new EditedFiles()
  const network = () => networks.list.get(made.key)
  const look = () => edited.look([network()]).edits
  const server = () => edited.configOf(network())?.dhcp?.network
  look()
  assert.equal(server(), '10.7.0.0')
  edited.confirm()
  const before = readFileSync(file('Lab'), 'utf16le')
  const bad = { empty: '', cut: before.slice(0, 200), wrong: before.replace(/>1682\d{5}</, '>1<') }
  for (const [name, text] of Object.entries(bad)) {
    writeFileSync(file('Lab'), text, 'utf16le')
    look()
    assert.equal(look()[0]?.problem?.severity, 'error', name)
    assert.equal(server(), '10.7.0.0', name)
    edited.confirm()
  }
  rmSync(file('Lab'))
  look()
  assert.equal(look().length, 1)
  assert.equal(server(), '10.7.0.0')
  writeFileSync(file('Lab'), moved(before, 1), 'utf16le')
  look()
  assert.equal(look()[0]?.problem, undefined)
  assert.equal(server(), '10.8.0.0')
  edited.refuse(network())
  assert.equal(server(), '10.7.0.0')
  // Corrected, it is taken.
  writeFileSync(file('Lab'), moved(before, 2), 'utf16le')
  assert.equal(server(), '10.9.0.0')
})
