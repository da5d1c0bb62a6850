import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createDiskFile, openDiskFile } from '../../src/system/index.ts'
import { complaintsOf, openBrowser } from './browser.ts'
import { newFolder, startServer } from './server-process.ts'

/** The file browser of the Inspect page, in a real browser, on a disk with real file systems. */
const MiB = 1 << 20
const SOUND = Buffer.alloc(2 * MiB + 77, 'the quick brown fox ')

// Debian keeps the tools that make file systems where only root's path looks.
process.env.PATH += ':/usr/sbin:/sbin'

function missing(t: TestContext, ...tools: string[]): boolean {
  const absent = tools.find((tool) => spawnSync(tool, ['--help'], { stdio: 'ignore' }).error !== undefined)
  if (absent !== undefined) t.skip(`${absent} is not installed`)
  return absent !== undefined
}

/** Two partitions: a FAT one with DOS-like files, and an ext4 one that calls itself Debian. */
function diskIn(folder: string): string {
  const fat = join(folder, 'fat.img')
  writeFileSync(fat, '')
  truncateSync(fat, 16 * MiB)
  execFileSync('mkfs.fat', ['-F', '16', '-n', 'DATA', fat], { stdio: 'ignore' })
  const tree = join(folder, 'tree')
  for (const name of ['etc', 'usr/lib', 'music']) mkdirSync(join(tree, name), { recursive: true })
  writeFileSync(join(tree, 'usr/lib/os-release'), 'NAME="Debian GNU/Linux"\nVERSION="12 (bookworm)"\n')
  writeFileSync(join(tree, 'music/Grüße <b>.wav'), SOUND)
  for (let count = 0; count < 30; count++) writeFileSync(join(tree, `music/track ${count}.txt`), `${count}`)
  symlinkSync('../usr/lib/os-release', join(tree, 'etc/os-release'))
  const ext = join(folder, 'ext.img')
  writeFileSync(ext, '')
  truncateSync(ext, 16 * MiB)
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'root', '-d', tree, ext], { stdio: 'ignore' })
  const path = join(folder, 'two.vhd')
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: 40 * MiB })
  const disk = openDiskFile(path, { writable: true })
  const table = Buffer.alloc(512)
  for (const [index, type] of [0x06, 0x83, 0x17].entries()) {
    table[446 + index * 16 + 4] = type
    table.writeUInt32LE(((1 + index * 16) * MiB) / 512, 446 + index * 16 + 8)
    table.writeUInt32LE(((index === 2 ? 4 : 16) * MiB) / 512, 446 + index * 16 + 12)
  }
  table.writeUInt16BE(0x55aa, 510)
  disk.write(0, table)
  disk.write(MiB, readFileSync(fat))
  disk.write(17 * MiB, readFileSync(ext))
  disk.flush()
  disk.close()
  return path
}

test('the files of a disk are browsed, searched and downloaded, with the keyboard too', async (t) => {
  const browser = await openBrowser(t)
  if (browser === undefined || missing(t, 'mkfs.fat', 'mke2fs')) return
  const folder = newFolder(t)
  const path = diskIn(folder)
  const server = await startServer(t, newFolder(t))
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } })
  const complaints = complaintsOf(page)
  await page.goto(server.signInLink)
  await page.getByRole('heading', { name: 'Master Status' }).waitFor()
  await page.goto(`${server.url}/disks/inspect?path=${encodeURIComponent(path)}`)
  const files = page.getByRole('region', { name: 'Files' })
  await page.getByText('Debian GNU/Linux, 12 (bookworm)').waitFor()
  await files.getByRole('button', { name: 'DATA (FAT16)' }).waitFor()
  await files.getByText('its files cannot be listed').waitFor()
  await files.getByRole('button', { name: 'root (ext4)' }).click()
  await files.getByRole('button', { name: 'music' }).waitFor()
  await files.getByRole('button', { name: 'etc' }).press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  assert.match((await page.locator(':focus').textContent()) ?? '', /^music/)
  await page.keyboard.press('Enter')
  const trail = files.getByRole('navigation', { name: 'Folder' })
  await trail.getByText('music').waitFor()
  await files.getByRole('textbox', { name: 'Show names with' }).fill('wav')
  assert.equal(await files.getByRole('link').count(), 1)
  if (process.env.VIVARIUM_PICTURES !== undefined)
    await page.screenshot({ path: join(process.env.VIVARIUM_PICTURES, 'files.png'), fullPage: true })
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    files.getByRole('link', { name: 'Grüße <b>.wav' }).click(),
  ])
  // The browser puts its own sign for what no file name of its computer has.
  assert.match(download.suggestedFilename(), /^Grüße .b.\.wav$/)
  assert.ok(readFileSync(await download.path()).equals(SOUND))
  await trail.getByRole('button', { name: 'root (ext4)' }).click()
  await files.getByRole('button', { name: 'etc' }).click()
  await files.getByText('leads to ../usr/lib/os-release').waitFor()
  await page.goBack()
  await files.getByRole('button', { name: 'usr' }).waitFor()
  await page.goto(`${server.url}/disks/inspect?path=${encodeURIComponent(path)}&in=2:/nowhere`)
  await files.getByText('There is no "nowhere" in /.').waitFor()
  await page.goto(`${server.url}/disks/inspect?path=${encodeURIComponent(path)}&in=1:/`)
  await files.getByText('The folder is empty.').waitFor()
  assert.deepEqual(complaints, [])
})

test('a machine leads to the files of its disk, and strangers get none', async (t) => {
  const browser = await openBrowser(t)
  if (browser === undefined || missing(t, 'mkfs.fat', 'mke2fs')) return
  const folder = newFolder(t)
  const path = diskIn(folder)
  const server = await startServer(t, newFolder(t))
  const address = `${server.url}/api/disks/file?${new URLSearchParams({ path, volume: '2', inside: 'usr/lib/os-release' })}`
  assert.equal((await fetch(address)).status, 401)
  const headers = { authorization: `Bearer ${readFileSync(join(server.data, 'cli-token'), 'utf8').trim()}` }
  const answer = await fetch(address, { headers })
  assert.equal(answer.headers.get('content-type'), 'application/octet-stream')
  assert.match(await answer.text(), /bookworm/)
  const folderAnswer = await fetch(address.replace('os-release', ''), { headers })
  assert.equal(((await folderAnswer.json()) as { error: { code: string } }).error.code, 'inside-is-a-folder')
  await assert.rejects(server.client('diskFolder', { path, volume: 3, inside: '' }), {
    code: 'inside-file-system',
  })
  await assert.rejects(server.client('diskVolumes', { path: join(folder, 'no.vhd') }), {
    code: 'host-enoent',
  })
  const [machine] = (await server.client('machines', {})).filter(({ name }) => name === 'Hello')
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } })
  await page.goto(server.signInLink)
  await page.getByRole('heading', { name: 'Master Status' }).waitFor()
  await page.goto(`${server.url}/machines/${machine!.id}`)
  await page.getByRole('link', { name: 'Files on this disk' }).click()
  const files = page.getByRole('region', { name: 'Files' })
  await files.getByText('its files cannot be listed').waitFor()
})
