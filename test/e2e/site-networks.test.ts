import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
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
