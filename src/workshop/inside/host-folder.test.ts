import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { HostFolder } from './host-folder.ts'

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'vivarium-host-folder-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function put(host: HostFolder, path: string, text: string, modified?: string): void {
  host.take({ event: 'file', path, ...(modified !== undefined && { modified }) })
  host.take({ event: 'data', bytes: Buffer.from(text) })
  host.take({ event: 'end' })
}

test('a tree appears at its target whole, with its times and its holes', (t) => {
  const folder = folderFor(t)
  const target = join(folder, 'copy')
  const host = new HostFolder(target)
  host.take({ event: 'folder', path: 'sub', modified: '2001-02-03T04:05:06Z' })
  put(host, 'sub/a.txt', 'hello', '2004-08-04T12:34:56Z')
  host.take({ event: 'file', path: 'sub/hole' })
  host.take({ event: 'hole', length: 5 })
  host.take({ event: 'data', bytes: Buffer.from('x') })
  host.take({ event: 'hole', length: 3 })
  host.take({ event: 'end' })
  assert.ok(!existsSync(target))
  host.publish('sub', target, false)
  assert.equal(readFileSync(join(target, 'a.txt'), 'utf8'), 'hello')
  assert.equal(readFileSync(join(target, 'hole'), 'latin1'), '\0\0\0\0\0x\0\0\0')
  assert.equal(statSync(join(target, 'a.txt')).mtime.toISOString(), '2004-08-04T12:34:56.000Z')
  assert.equal(statSync(target).mtime.toISOString(), '2001-02-03T04:05:06.000Z')
  assert.deepEqual(readdirSync(folder), ['copy'])
})

test('no name leads out of the folder', (t) => {
  const folder = folderFor(t)
  const host = new HostFolder(join(folder, 'copy'))
  for (const path of ['../evil', 'a/../../evil', '..', '.', '', '/', 'a\0b'])
    assert.throws(() => host.take({ event: 'file', path }), { code: 'inside-bad-name' }, JSON.stringify(path))
  put(host, '/etc/evil', 'x')
  assert.ok(existsSync(join(host.path, 'etc/evil')))
  assert.throws(() => host.take({ event: 'file', path: 'x'.repeat(300) }), { code: 'host-enametoolong' })
  host.discard()
  assert.deepEqual(readdirSync(folder), [])
})

test('a link is kept as it is, with its time, and takes the place of nothing', (t) => {
  const folder = folderFor(t)
  const target = join(folder, 'copy')
  const host = new HostFolder(target)
  host.take({ event: 'folder', path: 'copy' })
  put(host, 'copy/file', 'mine')
  const link = (path: string, to: string) =>
    host.take({ event: 'link', path, target: to, modified: '2001-02-03T04:05:06Z' })
  link('copy/up', '../../../etc/passwd')
  link('copy/dangling', ' no\nwhere ')
  link('copy/file', 'elsewhere')
  link('copy/long', 'x'.repeat(5000))
  assert.deepEqual(readdirSync(join(host.path, 'copy')), ['file'])
  host.publish('copy', target, false)
  assert.deepEqual(host.refusedLinks, ['copy/file', 'copy/long'])
  assert.equal(readlinkSync(join(target, 'up')), '../../../etc/passwd')
  assert.equal(readlinkSync(join(target, 'dangling')), ' no\nwhere ')
  assert.equal(lstatSync(join(target, 'up')).mtime.toISOString(), '2001-02-03T04:05:06.000Z')
  assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'mine')
})

test('nothing is ever written through a link, in whatever order things come', (t) => {
  const folder = folderFor(t)
  const outside = join(folder, 'outside')
  mkdirSync(outside)
  const target = join(folder, 'copy')
  const host = new HostFolder(target)
  host.take({ event: 'link', path: 'a', target: outside })
  host.take({ event: 'link', path: 'a/b', target: 'x' })
  host.take({ event: 'link', path: 'a/sub/c', target: 'x' })
  host.take({ event: 'link', path: 'd', target: outside })
  put(host, 'd/file', 'inside')
  host.publish('', target, false)
  assert.deepEqual(readdirSync(outside), [])
  assert.deepEqual(host.refusedLinks, ['a/b', 'a/sub/c', 'd'])
  assert.equal(readFileSync(join(target, 'd/file'), 'utf8'), 'inside')
  const again = new HostFolder(target)
  put(again, 'a/evil', 'x')
  assert.throws(() => again.publish('', target, true), { code: 'host-eexist' })
  again.discard()
  assert.deepEqual(readdirSync(outside), [])
})

test('a link takes the place of a link only when asked, and never that of a file', (t) => {
  const folder = folderFor(t)
  const target = join(folder, 'copy')
  mkdirSync(target)
  symlinkSync('old', join(target, 'link'))
  const copy = (name: string, force: boolean) => {
    const host = new HostFolder(target)
    host.take({ event: 'link', path: name, target: 'new' })
    try {
      host.publish('', target, force)
    } finally {
      host.discard()
    }
  }
  assert.throws(() => copy('link', false), { code: 'host-eexist' })
  copy('link', true)
  assert.equal(readlinkSync(join(target, 'link')), 'new')
  writeFileSync(join(target, 'file'), 'mine')
  assert.throws(() => copy('file', true), { code: 'host-eexist' })
})

test('two files of one name are both kept', (t) => {
  const folder = folderFor(t)
  const host = new HostFolder(join(folder, 'copy'))
  put(host, 'same', '1')
  put(host, 'same', '2')
  host.publish('', join(folder, 'copy'), false)
  assert.deepEqual(readdirSync(join(folder, 'copy')).sort(), ['same', 'same (2)'])
})

test('what is there is replaced only when asked, and never through a link or by another kind', (t) => {
  const folder = folderFor(t)
  const target = join(folder, 'copy')
  mkdirSync(join(target, 'sub'), { recursive: true })
  writeFileSync(join(target, 'sub/a'), 'old')
  writeFileSync(join(target, 'sub/mine'), 'mine')
  const again = (force: boolean) => {
    const host = new HostFolder(target)
    put(host, 'copy/sub/a', 'new')
    try {
      host.publish('copy', target, force)
    } finally {
      host.discard()
    }
  }
  assert.throws(() => again(false), { code: 'host-eexist' })
  assert.equal(readFileSync(join(target, 'sub/a'), 'utf8'), 'old')
  again(true)
  assert.equal(readFileSync(join(target, 'sub/a'), 'utf8'), 'new')
  assert.equal(readFileSync(join(target, 'sub/mine'), 'utf8'), 'mine')
  rmSync(join(target, 'sub'), { recursive: true })
  const outside = join(folder, 'outside')
  mkdirSync(outside)
  symlinkSync(outside, join(target, 'sub'))
  assert.throws(() => again(true), { code: 'host-eexist' })
  assert.deepEqual(readdirSync(outside), [])
})

test('what a killed copy left is swept away by the next one, and nothing else', (t) => {
  const folder = folderFor(t)
  const { pid } = spawnSync('true')
  for (const name of [`.copying-${pid}-abc`, `.copying-${process.pid}-abc`, '.copying-mine', 'file'])
    mkdirSync(join(folder, name, 'sub'), { recursive: true })
  new HostFolder(join(folder, 'copy')).discard()
  assert.deepEqual(
    readdirSync(folder).sort(),
    ['.copying-mine', `.copying-${process.pid}-abc`, 'file'].sort(),
  )
})
