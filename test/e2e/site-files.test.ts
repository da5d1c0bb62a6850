import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createDiskFile, openDiskFile } from '../../src/system/index.ts'
import { complaintsOf, openBrowser } from './browser.ts'
import { newFolder, startServer, until } from './server-process.ts'
import { missing } from './tools.ts'

/** The file browser of the Inspect page, in a real browser, on a disk with real file systems. */
const MiB = 1 << 20
const SOUND = Buffer.alloc(2 * MiB + 77, 'the quick brown fox ')

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
  const names = files.getByRole('list', { name: 'Files and folders' })
  assert.equal(await names.getByRole('link').count(), 1)
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

test('a folder is downloaded as one archive, with its links, and unpacks to the same', async (t) => {
  const browser = await openBrowser(t)
  if (browser === undefined || missing(t, 'mkfs.fat', 'mke2fs', '7z', 'unzip')) return
  const folder = newFolder(t)
  const path = diskIn(folder)
  const server = await startServer(t, newFolder(t))
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } })
  await page.goto(server.signInLink)
  await page.getByRole('heading', { name: 'Master Status' }).waitFor()
  const files = page.getByRole('region', { name: 'Files' })
  const downloaded = async (place: string) => {
    await page.goto(`${server.url}/disks/inspect?path=${encodeURIComponent(path)}&in=${place}`)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      files.getByRole('link', { name: 'Download this folder' }).click(),
    ])
    const out = join(folder, `out ${place.replaceAll('/', '_')}`)
    const archive = await download.path()
    execFileSync('7z', ['t', archive], { stdio: 'ignore' })
    execFileSync('unzip', ['-q', archive, '-d', out], { env: { ...process.env, LC_ALL: 'C.UTF-8' } })
    return { name: download.suggestedFilename(), out }
  }
  const music = await downloaded('2:/music')
  assert.equal(music.name, 'music.zip')
  assert.deepEqual(
    readdirSync(join(music.out, 'music')).sort(),
    readdirSync(join(folder, 'tree/music')).sort(),
  )
  assert.ok(readFileSync(join(music.out, 'music/Grüße <b>.wav')).equals(SOUND))
  assert.equal(readFileSync(join(music.out, 'music/track 29.txt'), 'utf8'), '29')
  const whole = await downloaded('2:/')
  assert.equal(whole.name, 'two-2.zip')
  assert.equal(readlinkSync(join(whole.out, 'etc/os-release')), '../usr/lib/os-release')
  assert.match(readFileSync(join(whole.out, 'usr/lib/os-release'), 'utf8'), /bookworm/)
  assert.deepEqual(readdirSync(whole.out).sort(), ['etc', 'lost+found', 'music', 'usr'])
})

test('who goes away ends the archive and its reader, and what cannot be one is an answer of its own', async (t) => {
  if (missing(t, 'mkfs.fat', 'mke2fs')) return
  const path = diskIn(newFolder(t))
  const server = await startServer(t, newFolder(t))
  const headers = { authorization: `Bearer ${readFileSync(join(server.data, 'cli-token'), 'utf8').trim()}` }
  const addressOf = (inside: string) =>
    `${server.url}/api/disks/archive?${new URLSearchParams({ path, volume: '2', inside })}`
  assert.equal((await fetch(addressOf('music'))).status, 401)
  const codeOf = async (inside: string) =>
    ((await (await fetch(addressOf(inside), { headers })).json()) as { error: { code: string } }).error.code
  assert.equal(await codeOf('nowhere'), 'inside-no-such-file')
  assert.equal(await codeOf('etc/os-release'), 'inside-is-a-link')
  const readers = () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((id) => {
        try {
          const stat = readFileSync(`/proc/${id}/stat`, 'utf8')
          return stat.slice(stat.lastIndexOf(')')).split(' ')[2] === String(server.child.pid)
        } catch {
          return false
        }
      })
  // As many as there may be at a time: were one of them still counted, the last would be refused.
  for (let count = 0; count < 9; count++) {
    const stop = new AbortController()
    const answer = await fetch(addressOf('music'), { headers, signal: stop.signal })
    assert.equal(answer.status, 200)
    await answer.body!.getReader().read()
    stop.abort()
    await until('the reader ends', () => readers().length === 0 || undefined)
  }
})
