import assert from 'node:assert/strict'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { MiB } from '../../src/base/index.ts'
import { engines } from '../../src/engine/index.ts'
import { buildHello } from '../../src/sample/index.ts'
import { createDiskFile } from '../../src/system/index.ts'
import { litPixels, openBrowser, picture } from './browser.ts'
import { createMachine, machineNamed, newFolder, startServer, until } from './server-process.ts'
import { go, heading, state, visit } from './site-visit.ts'

/** The site as its users meet it: a real browser, a real server, real machines. Told in what can be seen. */

const qemu = await engines.find(({ name }) => name === 'qemu')!.survey()

test('nothing is served without sign-in, and the link signs in once', async (t) => {
  const browser = await openBrowser(t)
  if (browser === undefined) return
  const server = await startServer(t, newFolder(t))
  const page = await browser.newPage()
  for (const path of ['/', '/machines/add', '/favicon.svg', '/api/machines', '/api/machines/x/screen.png']) {
    const answer = await page.request.get(server.url + path)
    assert.equal(answer.status(), 401, path)
    assert.doesNotMatch(await answer.text(), /assets|Hello/, path)
  }
  await page.goto(server.url)
  await page.getByText('You are signed out').waitFor()
  await page.goto(server.signInLink)
  await heading(page, 'Master Status')
  const stranger = await (await browser.newContext()).newPage()
  await stranger.goto(server.signInLink)
  await stranger.getByText('used already').waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await heading(page, 'Signed out')
  await page.getByText('vivarium sign-in').waitFor()
  assert.equal((await page.request.get(`${server.url}/api/session`)).status(), 401)
})

for (const engine of ['v86', 'QEMU'] as const) {
  test(`Hello runs on ${engine}: one click, its screen, keys, pause, resume, turn off`, async (t) => {
    if (engine === 'QEMU' && !qemu.available) return t.skip(qemu.reason)
    const visited = await visit(t)
    if (visited === undefined) return
    const { page, complaints } = visited
    const card = page.getByRole('article', { name: 'Hello' })
    await card.getByText('Turned off').waitFor()
    if (engine === 'QEMU') await chooseQemu(page)
    await card.getByRole('button', { name: 'Turn on' }).click()
    await card.getByText('Running').waitFor()
    await card.getByText(engine).waitFor()
    await until('the thumbnail', async () => (await card.locator('img').count()) > 0 || undefined)
    await card.getByRole('link', { name: 'Console of Hello' }).click()
    await typeAndSee(page)
    await page.getByRole('button', { name: 'Pause' }).click()
    await state(page, 'Paused')
    const covered = page.getByRole('region', { name: 'Console of Hello' })
    await covered.getByRole('button', { name: 'Resume' }).click()
    await state(page, 'Running')
    await page.getByRole('button', { name: 'Turn off' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Turn off' }).click()
    await covered.getByRole('button', { name: 'Turn on' }).waitFor()
    await state(page, 'Turned off')
    assert.deepEqual(complaints, [])
  })
}

async function chooseQemu(page: Page): Promise<void> {
  const card = page.getByRole('article', { name: 'Hello' })
  await card.getByRole('link', { name: 'Hello', exact: true }).click()
  await page.getByRole('tab', { name: 'Settings' }).click()
  // The choice is the server's to confirm, so the button is not checked in the very moment of the click.
  await page.getByRole('radio', { name: 'QEMU' }).click()
  await page.getByRole('radio', { name: 'QEMU', checked: true }).waitFor()
  await page.getByText(/^QEMU · (TCG|KVM)$/).waitFor()
  await go(page, 'Master Status')
}

/** Hello echoes what is typed: letters light pixels up, and taking them back turns them off again. */
async function typeAndSee(page: Page): Promise<void> {
  const canvas = page.locator('canvas')
  await picture(canvas)
  // The last line of Hello's screen is a clock; above it nothing but the cursor moves once the guest waits.
  const lit = () => litPixels(canvas, 0, 0.94)
  const settled = await until('the guest has finished its list', async () => {
    const before = await lit()
    await page.waitForTimeout(1500)
    return Math.abs((await lit()) - before) < 40 ? before : undefined
  })
  await canvas.click()
  await page.keyboard.type('mmmmmmmmmmmmmmmmmmmm', { delay: 30 })
  await until('twenty letters appear', async () => (await lit()) > settled + 400 || undefined)
  for (let i = 0; i < 20; i++) await page.keyboard.press('Backspace', { delay: 10 })
  await until('they disappear', async () => (await lit()) < settled + 100 || undefined)
}

test('an old machine is looked at, added by its path, run on undo disks, and left as it was', async (t) => {
  const visited = await visit(t)
  if (visited === undefined) return
  const { page, server } = visited
  const { vmcPath } = await buildHello(newFolder(t), { name: 'Old machine' })
  await go(page, 'Add')
  await heading(page, 'Add an existing machine')
  const field = page.getByRole('textbox', { name: "Full path of the machine's file" })
  await field.fill('/nowhere/Old machine.vmc')
  await page.getByRole('button', { name: 'Look inside' }).click()
  await page.getByRole('alert').getByText('/nowhere/Old machine.vmc').first().waitFor()
  await field.fill(vmcPath)
  await page.getByRole('button', { name: 'Look inside' }).click()
  await heading(page, 'Old machine')
  await page.getByText('32 MB', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('tab', { name: 'Overview' }).waitFor()
  await page.getByText("the machine's own disks stay as they are").waitFor()
  await page.getByRole('button', { name: 'Turn on' }).click()
  await page.getByRole('button', { name: 'Turn off' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: 'Discard the changes' }).check()
  await dialog.getByRole('button', { name: 'Turn off' }).click()
  await page.getByText('There are no changes.').waitFor()
  assert.equal((await machineNamed(server.client, 'Old machine')).undo.pending, false)
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await heading(page, 'Master Status')
  assert.equal(await page.getByRole('article', { name: 'Old machine' }).count(), 0)
})

test('a machine is created with the wizard, which says what is wrong first', async (t) => {
  const visited = await visit(t)
  if (visited === undefined) return
  const { page, server } = visited
  await page.getByRole('main').getByRole('link', { name: 'Create' }).click()
  const create = page.getByRole('button', { name: 'Create', exact: true })
  await create.click()
  await page.getByText('A machine needs a name.').first().waitFor()
  await page.getByRole('textbox', { name: 'Name' }).fill('Payroll')
  await page.getByRole('textbox', { name: 'Size' }).fill('64 MB')
  await page.getByText('A new dynamic disk of 64 MiB').waitFor()
  await create.click()
  await heading(page, 'Payroll')
  await page.getByText('Payroll Hard Disk.vhd').waitFor()
  const made = await machineNamed(server.client, 'Payroll')
  assert.deepEqual([made.memoryMB, made.state, made.inLibrary], [256, 'TurnedOff', true])
  await go(page, 'Tasks')
  const task = page.getByRole('article').filter({ hasText: 'Payroll' })
  await task.getByText('done').waitFor()
})

test('Inspect shows a disk, a broken chain, and says clearly what is wrong with a broken file', async (t) => {
  const visited = await visit(t)
  if (visited === undefined) return
  const { page, complaints } = visited
  const folder = newFolder(t)
  const { vhdPaths } = await buildHello(folder, { name: 'Hello' })
  const child = join(folder, 'child.vhd')
  createDiskFile(child, { format: 'vhd', subformat: 'differencing', parent: vhdPaths[0]! })
  const broken = join(folder, 'broken.vhd')
  writeFileSync(broken, new Uint8Array(MiB).fill(7))
  truncateSync(broken, MiB - 100)
  await go(page, 'Inspect')
  const inspect = async (path: string) => {
    await page.getByRole('textbox', { name: 'Full path of the file' }).fill(path)
    await page.getByRole('button', { name: 'Inspect', exact: true }).click()
  }
  await inspect(child)
  await page.getByText('VHD, differencing').waitFor()
  const chain = page.getByRole('list', { name: 'Chain of disks, topmost first' })
  assert.deepEqual(await chain.getByRole('listitem').count(), 2)
  await chain.getByText('found', { exact: true }).waitFor()
  await chain.getByRole('link', { name: 'Hello.vhd' }).click()
  await page.getByText('VHD, dynamic').waitFor()
  await page.getByText('16 MiB (16,777,216 bytes)').waitFor()
  await inspect(broken)
  const alert = page.getByRole('alert')
  await alert.getByText('broken.vhd cannot be inspected').waitFor()
  await alert.getByText('What to do:').waitFor()
  assert.doesNotMatch(await alert.innerText(), /\bat .*\.ts:\d+/)
  await page.getByRole('button', { name: 'Choose: Full path of the file' }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /child\.vhd/ })
    .click()
  await page.getByText('VHD, differencing').waitFor()
  assert.deepEqual(complaints, [])
})

test('tasks, events and states arrive without reload, and the page waits for a server that is gone', async (t) => {
  const visited = await visit(t)
  if (visited === undefined) return
  const { page, server } = visited
  await page.evaluate(() => document.body.setAttribute('data-not-reloaded', 'true'))
  const { id } = await machineNamed(server.client, 'Hello')
  const card = page.getByRole('article', { name: 'Hello' })
  await server.client('startMachine', { id })
  await card.getByText('Running').waitFor()
  await go(page, 'Events')
  await page.getByText('"Hello" was turned on').first().waitFor()
  await server.client('turnOffMachine', { id })
  await page.getByText('"Hello" was turned off').first().waitFor()
  await go(page, 'Tasks')
  await createMachine(server.client, {
    name: 'Made elsewhere',
    memoryMB: 16,
    disk: { kind: 'new', subformat: 'fixed', sizeBytes: 8 * MiB },
  })
  await page.getByRole('article').filter({ hasText: 'Made elsewhere' }).getByText('done').waitFor()
  await server.stop()
  await page.getByText('The server does not answer.').waitFor()
  await go(page, 'Master Status')
  await page.getByRole('article', { name: 'Made elsewhere' }).waitFor()
  await startServer(t, server.data, ['--port', new URL(server.url).port])
  await page.getByText('The server does not answer.').waitFor({ state: 'hidden' })
  await card.getByRole('button', { name: 'Turn on' }).click()
  await card.getByText('Running').waitFor()
  assert.equal(await page.getAttribute('body', 'data-not-reloaded'), 'true')
})
