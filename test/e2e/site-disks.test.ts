import assert from 'node:assert/strict'
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { MiB } from '../../src/base/index.ts'
import { createDiskFile, openDiskFile } from '../../src/system/index.ts'
import { newFolder } from './server-process.ts'
import { heading, visit } from './site-visit.ts'

/** The disk workshop on the site: made, converted, compacted, downloaded and uploaded in a real browser. */

function newDisk(path: string, value: number): void {
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: 16 * MiB })
  const disk = openDiskFile(path, { writable: true })
  disk.write(5 * MiB, new Uint8Array(64 << 10).fill(value))
  disk.write(9 * MiB, new Uint8Array(2 * MiB))
  disk.close()
}

function byteAt(path: string, offset: number): number {
  const disk = openDiskFile(path)
  const into = new Uint8Array(1)
  disk.read(offset, into)
  disk.close()
  return into[0]!
}

async function inspect(page: Page, url: string, path: string): Promise<void> {
  await page.goto(`${url}/disks/inspect?path=${encodeURIComponent(path)}`)
  await page.getByRole('heading', { name: 'Actions' }).waitFor()
}

/** Opens an action's dialog; the button that does it bears the same word. */
async function act(
  page: Page,
  label: string,
  verb: string,
  fill?: (dialog: ReturnType<Page['getByRole']>) => Promise<void>,
) {
  await page.getByRole('button', { name: label, exact: true }).click()
  const dialog = page.getByRole('dialog')
  await fill?.(dialog)
  await dialog.getByRole('button', { name: verb, exact: true }).click()
  await dialog.getByText('done', { exact: true }).waitFor()
  return dialog
}

test('a disk is created, and what cannot be is said before and after', async (t) => {
  const visited = await visit(t)
  if (visited === undefined) return
  const { page, server, complaints } = visited
  const path = join(newFolder(t), 'fresh.vhdx')
  await page.goto(`${server.url}/disks/create`)
  await heading(page, 'Create a disk')
  await page.getByRole('textbox', { name: 'New file' }).fill('fresh.vhdx')
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await page.getByText('The path has to be a full one').waitFor()
  await page.getByRole('textbox', { name: 'New file' }).fill(path)
  await page.getByRole('textbox', { name: 'Size' }).fill('64 MB')
  await page.getByRole('combobox', { name: 'Format' }).click()
  await page.getByRole('option', { name: /VHDX/ }).click()
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await page.getByRole('link', { name: 'Inspect it' }).click()
  await page.getByText('VHDX, dynamic').waitFor()
  assert.deepEqual(complaints, [])
})

test('a disk is converted, compacted and cloned; each ends with the disk on the page', async (t) => {
  const visited = await visit(t)
  if (visited === undefined) return
  const { page, server, complaints } = visited
  const folder = newFolder(t)
  const [disk, other] = [join(folder, 'old.vhd'), join(folder, 'new.qcow2')]
  newDisk(disk, 7)
  await inspect(page, server.url, disk)
  const convert = await act(page, 'Convert', 'Convert', async (dialog) => {
    await dialog.getByRole('combobox', { name: 'Format' }).click()
    await page.getByRole('option', { name: /QCOW/i }).click()
    await dialog.getByRole('textbox', { name: 'New file' }).fill(other)
  })
  assert.equal(byteAt(other, 5 * MiB), 7)
  await convert.getByRole('link', { name: 'Inspect it' }).click()
  await page.getByText(/QCOW2, /).waitFor()
  await inspect(page, server.url, disk)
  const before = statSync(disk).size
  await (await act(page, 'Compact', 'Compact'))
    .getByRole('button', { name: 'Close', exact: true })
    .last()
    .click()
  assert.ok(statSync(disk).size < before)
  assert.equal(byteAt(disk, 5 * MiB), 7)
  await act(page, 'Clone', 'Clone')
  assert.equal(byteAt(join(folder, 'old clone.vhd'), 5 * MiB), 7)
  await page.getByRole('dialog').getByRole('link', { name: 'Inspect it' }).click()
  await page.getByText('VHD, differencing').waitFor()
  assert.deepEqual(complaints, [])
})

test('a damaged disk is repaired once the plan is seen, and the repair taken back', async (t) => {
  const visited = await visit(t)
  if (visited === undefined) return
  const { page, server, complaints } = visited
  const disk = join(newFolder(t), 'cut.vhd')
  newDisk(disk, 3)
  const size = statSync(disk).size
  truncateSync(disk, size - 512)
  await inspect(page, server.url, disk)
  assert.ok(await page.getByRole('button', { name: 'Take back repair' }).isDisabled())
  await act(page, 'Repair', 'Show the plan')
  const dialog = page.getByRole('dialog')
  await dialog.getByText('Nothing was changed').waitFor()
  assert.equal(statSync(disk).size, size - 512)
  await dialog.getByRole('button', { name: 'Back to the form' }).click()
  await dialog.getByRole('switch', { name: 'Only tell what would be done' }).click()
  await dialog.getByRole('button', { name: 'Repair', exact: true }).click()
  await dialog.getByText('done', { exact: true }).waitFor()
  assert.equal(statSync(disk).size, size)
  await dialog.getByRole('button', { name: 'Close', exact: true }).last().click()
  await act(page, 'Take back repair', 'Take back')
  assert.equal(statSync(disk).size, size - 512)
  // Both footers and the header: nobody can open it, and the doctor is asked all the same.
  const ruin = openSync(disk, 'r+')
  writeSync(ruin, new Uint8Array(1024).fill(0x55), 0, 1024, 512)
  closeSync(ruin)
  await page.goto(`${server.url}/disks/inspect?path=${encodeURIComponent(disk)}`)
  await page.getByText('cut.vhd cannot be inspected').waitFor()
  await act(page, 'Repair', 'Show the plan')
  assert.deepEqual(
    complaints.filter((complaint) => !/inspect/.test(complaint)),
    [],
  )
})

test('a file that was a fixed VHD gets its footer back when a person says what it is', async (t) => {
  const visited = await visit(t)
  if (visited === undefined) return
  const { page, server } = visited
  const folder = newFolder(t)
  const [disk, other] = [join(folder, 'content.vhd'), join(folder, 'content.qcow2')]
  for (const path of [disk, other]) writeFileSync(path, Buffer.alloc(4 * MiB, 'nothing of a disk '))
  await page.goto(`${server.url}/disks/inspect?path=${encodeURIComponent(other)}`)
  await page.getByText('content.qcow2 cannot be inspected').waitFor()
  await page.getByRole('button', { name: 'Repair', exact: true }).click()
  await page.getByRole('switch', { name: 'Only tell what would be done' }).waitFor()
  assert.equal(await page.getByRole('switch', { name: 'lost its footer' }).count(), 0)
  await page.goto(`${server.url}/disks/inspect?path=${encodeURIComponent(disk)}`)
  await page.getByText('content.vhd cannot be inspected').waitFor()
  const dialog = await act(page, 'Repair', 'Show the plan')
  await dialog.getByText('It cannot be repaired').waitFor()
  await dialog.getByText('If it is the content of a fixed disk that lost its footer').waitFor()
  await dialog.getByRole('button', { name: 'Close', exact: true }).last().click()
  await act(page, 'Repair', 'Repair', async (opened) => {
    await opened.getByRole('switch', { name: 'lost its footer' }).click()
    await opened.getByRole('switch', { name: 'Only tell what would be done' }).click()
  })
  assert.equal(statSync(disk).size, 4 * MiB + 512)
  await dialog.getByRole('button', { name: 'Close', exact: true }).last().click()
  await page.getByText('VHD, fixed').waitFor()
})

test('a disk is downloaded in another format while it is made, and uploaded whole or not at all', async (t) => {
  const visited = await visit(t)
  if (visited === undefined) return
  const { page, server, complaints } = visited
  const folder = newFolder(t)
  const [disk, saved] = [join(folder, 'old.vhd'), join(folder, 'saved.img')]
  newDisk(disk, 9)
  await inspect(page, server.url, disk)
  await page.getByRole('button', { name: 'Download' }).click()
  const download = page.waitForEvent('download')
  await page.getByRole('menuitem', { name: /\(\.img\)/ }).click()
  await (await download).saveAs(saved)
  assert.equal((await download).suggestedFilename(), 'old.img')
  const content = readFileSync(saved)
  assert.deepEqual([content.length, content[5 * MiB]], [16 * MiB, 9])

  await page.goto(`${server.url}/disks/create`)
  await page.getByRole('textbox', { name: 'Into the folder' }).fill(folder)
  const chooser = page.waitForEvent('filechooser')
  await page.getByLabel('File', { exact: true }).click()
  await (await chooser).setFiles({ name: 'sent.vhd', mimeType: '', buffer: readFileSync(disk) })
  await page.getByRole('button', { name: 'Upload', exact: true }).click()
  await page.getByRole('link', { name: 'Inspect sent.vhd' }).click()
  await page.getByText('VHD, dynamic').waitFor()
  assert.deepEqual(readFileSync(join(folder, 'sent.vhd')), readFileSync(disk))
  assert.deepEqual(complaints, [])
  await refusals(page, server.url, folder, disk)
})

async function refusals(page: Page, url: string, folder: string, disk: string): Promise<void> {
  const put = (path: string, type = 'application/octet-stream') =>
    page.request.put(`${url}/api/disks/upload?path=${encodeURIComponent(path)}`, {
      headers: { 'content-type': type },
      data: Buffer.from('abc'),
    })
  assert.equal((await put(disk)).status(), 409)
  assert.equal((await put(join(folder, 'form.vhd'), 'text/plain')).status(), 400)
  assert.equal((await put(join(folder, 'none', 'a.vhd'))).status(), 404)
  assert.ok(!existsSync(join(folder, 'form.vhd')))
  const stranger = await page.context().browser()!.newContext()
  const address = `${url}/api/disks/download?path=${encodeURIComponent(disk)}&name=a.img`
  assert.equal((await stranger.request.get(address)).status(), 401)
  assert.equal((await page.request.get(`${address.replace('old.vhd', 'none.vhd')}`)).status(), 404)
}
