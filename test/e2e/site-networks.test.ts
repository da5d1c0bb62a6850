import assert from 'node:assert/strict'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { machineNamed, newFolder, until } from './server-process.ts'
import { go, heading, visit } from './site-visit.ts'

/** Virtual networks on the site: made, watched and taken away in a real browser, with a real guest on them. */

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

async function createLab(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/networks/create`)
  await heading(page, 'Create a network')
  await page.getByRole('textbox', { name: 'Name' }).fill('Lab')
  await page.getByRole('switch', { name: 'DHCP server' }).press(' ')
  const network = page.getByRole('textbox', { name: 'Network address' })
  const start = page.getByRole('textbox', { name: 'Starting IP address' })
  await network.fill('192.168.7.0')
  assert.equal(await start.getAttribute('placeholder'), '192.168.7.16')
  await start.fill('192.168.7.9')
  await page.getByText('it must be in 192.168.7.16 to 192.168.7.254').first().waitFor()
  assert.equal(await start.getAttribute('aria-invalid'), 'true')
  assert.notEqual(await network.getAttribute('aria-invalid'), 'true')
  await button(page, 'Create').click()
  await until('the field in fault has the focus', () =>
    start.evaluate((field) => field === document.activeElement || undefined),
  )
  await start.fill('192.168.7.20')
  await button(page, 'Create').click()
  await heading(page, 'Lab')
}

async function move(page: Page, to: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Adapter 1' }).click()
  await page.getByRole('option', { name: to, exact: true }).click()
}

test('a network is made, a running machine moved to it and back, its lease reserved, its traffic kept, and it goes', async (t) => {
  const visited = await visit(t)
  if (visited === undefined) return
  const { page, server, complaints } = visited
  await createLab(page, server.url)
  const hello = await machineNamed(server.client, 'Hello')
  const networkOf = async () =>
    (await server.client('adapters', {})).find(({ machineId }) => machineId === hello.id)?.network

  await page.goto(`${server.url}/machines/${hello.id}`)
  await move(page, 'Lab')
  await page.getByText('Hello, adapter 1: now on Lab.').waitFor()
  assert.equal(await networkOf(), 'lab')
  await button(page, 'Turn on').click()

  await page.goto(`${server.url}/network/lab/leases`)
  await page.getByText('192.168.7.20').waitFor()
  await button(page, 'Reserve 192.168.7.20').click()
  await page.getByText('reserved', { exact: true }).waitFor()
  const { settings } = await server.client('network', { key: 'lab' })
  assert.equal(settings.dhcp?.reservations?.[0]?.address, '192.168.7.20')

  await button(page, 'Capture').click()
  await page.getByRole('dialog').getByRole('button', { name: 'Start', exact: true }).click()
  await page.getByRole('table', { name: 'Running captures' }).waitFor()
  const { adapters } = await server.client('network', { key: 'lab' })
  assert.equal(adapters.length, 1)
  // A guest that is started anew asks for its address again.
  await server.client('resetMachine', { id: hello.id })
  await until(
    'something is captured',
    async () =>
      (await server.client('captures', {})).some(({ framesCaptured }) => framesCaptured > 0) || undefined,
  )
  await button(page, 'Stop').click()
  const saved = join(newFolder(t), 'lab.pcapng')
  const download = page.waitForEvent('download')
  await page.getByRole('table', { name: 'Capture files' }).getByRole('link').first().click()
  await (await download).saveAs(saved)
  const content = readFileSync(saved)
  // Section header block (draft-ietf-opsawg-pcapng, 4.1), and frames behind it.
  assert.equal(content.readUInt32LE(0), 0x0a0d0d0a)
  assert.ok(content.length > 300)

  await go(page, 'View All')
  await page.getByRole('button', { name: 'Move adapter 1 of Hello' }).click()
  await page.getByRole('menuitem', { name: 'Internal Network' }).click()
  await page.getByText('now on Internal Network').waitFor()
  assert.equal(await networkOf(), 'internal')
  await button(page, 'Undo').last().click()
  await until('the move is undone', async () => (await networkOf()) === 'lab' || undefined)
  await dragOnMap(page, 'lab', 'internal')
  await until('the machine was dragged', async () => (await networkOf()) === 'internal' || undefined)
  await button(page, 'Undo').last().click()
  await until('the drag is undone', async () => (await networkOf()) === 'lab' || undefined)

  await page.goto(`${server.url}/network/lab`)
  await button(page, 'Remove').click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('Hello, adapter 1 (on)').waitFor()
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click()
  await heading(page, 'Virtual Networks')
  assert.equal(await networkOf(), undefined)
  assert.ok(!(await server.client('networks', {})).some(({ key }) => key === 'lab'))
  await go(page, 'Master Status')
  await page.getByText('Adapter 1 is disconnected: there is no network "Lab".').waitFor()
  await server.client('turnOffMachine', { id: hello.id })
  assert.deepEqual(complaints, [])
})

test('every fault is at its own field, and menus, suffixes and options of a machine reach the server and come back', async (t) => {
  const visited = await visit(t)
  if (visited === undefined) return
  const { page, server, complaints } = visited
  await page.goto(`${server.url}/networks/create`)
  await heading(page, 'Create a network')
  const field = (name: string, within = '') => {
    const place = within === '' ? page : page.getByRole('region', { name: within, exact: true })
    return place.getByRole('textbox', { name, exact: true })
  }
  await page.getByRole('textbox', { name: 'Name' }).fill('Full')
  await page.getByRole('switch', { name: 'DHCP server' }).press(' ')
  await field('Starting IP address').fill('10.244.0.3')
  await field('Default gateway address').fill('1.2.3.4')
  await field('IP address lease time').fill('5')
  await page.getByText('3 settings to mend.').waitFor()
  for (const name of ['Starting IP address', 'Default gateway address', 'IP address lease time'])
    assert.equal(await field(name).getAttribute('aria-invalid'), 'true', name)
  await page.getByText('The gateway address is 1.2.3.4').first().waitFor()
  await page.getByText('The lease time is 5 s').first().waitFor()
  const dhcp = { start: '10.244.0.3', gateway: '1.2.3.4' }
  await assert.rejects(server.client('createNetwork', { name: 'Full', settings: { dhcp } }), {
    faults: [
      {
        field: 'dhcp.start',
        message: 'The start address is 10.244.0.3; it must be in 10.244.0.16 to 10.244.0.254.',
      },
      {
        field: 'dhcp.gateway',
        message: 'The gateway address is 1.2.3.4; it must be in 10.244.0.1 to 10.244.0.254.',
      },
    ],
  })
  for (const name of ['Starting IP address', 'Default gateway address', 'IP address lease time'])
    await field(name).fill('')
  await page.getByText('Nothing is wrong with these settings.').waitFor()

  await button(page, 'Add a reservation').click()
  await field('Address', 'reservation 1').fill('10.244.0.5')
  await field('MAC address', 'reservation 1').fill('00:03:ff:00:00:07')
  const reservation = page.getByRole('region', { name: 'reservation 1' })
  await reservation.getByRole('button', { name: 'More settings' }).click()
  await reservation.getByRole('button', { name: 'Add an option' }).click()
  await field('Number', 'option 1').fill('15')
  await field('Value', 'option 1').fill('dc.example')

  await page.getByRole('switch', { name: 'WINS server' }).press(' ')
  await button(page, 'Add a name').click()
  await field('NetBIOS name', 'name 1').fill('PDC')
  await field('Address', 'name 1').fill('10.244.0.5')
  await field('Suffixes', 'name 1').fill('1B, xyz')
  await page.getByText('A suffix is one byte, 00 to FF.').first().waitFor()
  await field('Starting IP address').fill('10.244.0.3')
  await page.getByText('2 settings to mend.').waitFor()
  await field('Starting IP address').fill('')
  await field('Suffixes', 'name 1').fill('00, 1b')

  await page.getByRole('switch', { name: 'Boot from the network (PXE)' }).press(' ')
  const boot = newFolder(t)
  await page.getByRole('textbox', { name: 'Boot folder' }).fill(boot)
  await button(page, 'More settings').last().click()
  await field('Prompt of the boot ROM').fill('Press F8 to choose')
  await page.getByText('The menu of the boot ROM has no items.').first().waitFor()
  await button(page, 'Add an item').click()
  await field('Title', 'item 1').fill('Local disk')
  await button(page, 'Add an item').click()
  await field('Title', 'item 2').fill('Installer')
  await field('File', 'item 2').fill('pxelinux.0')
  await button(page, 'Create').click()
  await heading(page, 'Full')

  const { settings } = await server.client('network', { key: 'full' })
  assert.deepEqual(settings.dhcp?.reservations, [
    {
      address: '10.244.0.5',
      mac: '00:03:ff:00:00:07',
      options: [{ code: 15, type: 'text', value: 'dc.example' }],
    },
  ])
  assert.deepEqual(settings.wins?.names, [{ name: 'PDC', address: '10.244.0.5', suffixes: [0, 0x1b] }])
  assert.deepEqual(settings.pxe?.romMenu, {
    prompt: 'Press F8 to choose',
    timeoutSeconds: 10,
    items: [{ title: 'Local disk' }, { title: 'Installer', file: 'pxelinux.0' }],
  })
  await server.client('createNetwork', { name: 'Full 2', settings: {} })
  await server.client('changeNetwork', { key: 'full', name: 'Lab' })
  const own = await server.client('events', { networkKey: 'full' })
  assert.deepEqual(
    own.map(({ code, networkName }) => [code, networkName]),
    [
      ['network-changed', 'Lab'],
      ['network-created', 'Full'],
    ],
  )
  await page.getByRole('tab', { name: 'Events' }).click()
  await page.getByText('"Full" is called "Lab" now.').waitFor()
  await page.getByText('2 events', { exact: true }).waitFor()
  await page.getByRole('tab', { name: 'Configure' }).click()
  assert.equal(await field('Suffixes', 'name 1').inputValue(), '00, 1B')
  assert.deepEqual(complaints, [])
})

test('a network file is looked at and added by its path, and another file is not taken for one', async (t) => {
  const visited = await visit(t)
  if (visited === undefined) return
  const { page, server } = visited
  const folder = newFolder(t)
  const { path } = await server.client('createNetwork', { name: 'Old lab', settings: { mtu: 1400 } })
  const moved = join(folder, 'Old lab.vnc')
  copyFileSync(path!, moved)
  await server.client('removeNetwork', { key: 'old-lab', deleteFile: true })
  await page.goto(`${server.url}/networks/add`)
  await heading(page, 'Add existing networks')
  const typed = page.getByRole('textbox', { name: 'Full path of the file' })
  await typed.fill((await machineNamed(server.client, 'Hello')).path)
  await button(page, 'Look inside').click()
  await page.getByText('32 MB', { exact: true }).waitFor()
  assert.equal(await button(page, 'Add').getAttribute('aria-description'), 'This file is not a network.')
  await typed.fill(moved)
  await button(page, 'Look inside').click()
  await heading(page, 'Old lab')
  await button(page, 'Add').click()
  await page.getByText('Old lab was added.').waitFor()
  assert.equal((await server.client('network', { key: 'old-lab' })).path, moved)
})

async function dragOnMap(page: Page, from: string, to: string): Promise<void> {
  const station = page.locator(`[data-network="${from}"] [data-running]`).first()
  await station.scrollIntoViewIfNeeded()
  await page.locator(`[data-network="${to}"]`).scrollIntoViewIfNeeded()
  const [start, end] = [
    await station.boundingBox(),
    await page.locator(`[data-network="${to}"] rect`).first().boundingBox(),
  ]
  await page.mouse.move(start!.x + 60, start!.y + 10)
  await page.mouse.down()
  await page.mouse.move(end!.x + 40, end!.y + 12, { steps: 8 })
  await page.mouse.up()
}
