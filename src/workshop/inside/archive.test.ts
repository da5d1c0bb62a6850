import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FolderArchive, LEFT_OUT_NOTE } from './archive.ts'
import { ArchiveNames } from './archive-names.ts'
import type { ExtractEvent } from './entry.ts'

/** The archive of these events. */
async function archiveOf(events: readonly ExtractEvent[], damage?: string): Promise<Buffer> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const pieces: Uint8Array[] = []
  const taken = (async () => {
    for await (const piece of readable) pieces.push(piece)
  })()
  const archive = new FolderArchive(writable)
  for (const event of events) await archive.take(event)
  await archive.end(damage)
  await taken
  return Buffer.concat(pieces)
}

/** Found whole by 7-Zip and unpacked by Info-ZIP, which makes any link; undefined = skipped, by name. */
function unpack(t: TestContext, zip: Buffer): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'vivarium-archive-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const tool of ['7z', 'unzip']) {
    if (spawnSync(tool).error === undefined) continue
    t.skip(`${tool} is not installed`)
    return undefined
  }
  const archive = join(folder, 'it.zip')
  writeFileSync(archive, zip)
  execFileSync('7z', ['t', archive], { stdio: 'ignore' })
  const out = join(folder, 'above/out')
  mkdirSync(out, { recursive: true })
  execFileSync('unzip', ['-q', archive, '-d', out], { env: { ...process.env, LC_ALL: 'C.UTF-8' } })
  assert.deepEqual(readdirSync(join(folder, 'above')), ['out'])
  return out
}

function file(path: string, text: string, modified?: string): ExtractEvent[] {
  return [
    { event: 'file', path, ...(modified !== undefined && { modified }) },
    { event: 'data', bytes: Buffer.from(text) },
    { event: 'end' },
  ]
}

test('a folder comes out of its archive as it went in: names, times, holes, links', async (t) => {
  const zip = await archiveOf([
    { event: 'folder', path: 'top', modified: '2001-02-03T04:05:06Z' },
    { event: 'folder', path: 'top/empty' },
    ...file('top/Grüße <b>.txt', 'hello', '2004-08-04T12:34:56Z'),
    ...file('top/old', 'old', '1601-01-01T00:00:00Z'),
    ...file('top/nothing', ''),
    { event: 'file', path: 'top/holes' },
    { event: 'hole', length: 3_000_000 },
    { event: 'data', bytes: Buffer.from('end') },
    { event: 'end' },
    { event: 'link', path: 'top/link', target: '../elsewhere/ü' },
  ])
  // What is not there is not sent.
  assert.ok(zip.length < 10_000, `${zip.length} bytes`)
  const out = unpack(t, zip)
  if (out === undefined) return
  assert.deepEqual(readdirSync(join(out, 'top')).sort(), [
    'Grüße <b>.txt',
    'empty',
    'holes',
    'link',
    'nothing',
    'old',
  ])
  assert.equal(readFileSync(join(out, 'top/Grüße <b>.txt'), 'utf8'), 'hello')
  assert.equal(lstatSync(join(out, 'top/Grüße <b>.txt')).mtime.toISOString(), '2004-08-04T12:34:56.000Z')
  assert.equal(readFileSync(join(out, 'top/old'), 'utf8'), 'old')
  assert.ok(
    readFileSync(join(out, 'top/holes')).equals(Buffer.concat([Buffer.alloc(3_000_000), Buffer.from('end')])),
  )
  assert.equal(readlinkSync(join(out, 'top/link')), '../elsewhere/ü')
})

test('hostile names do no harm, and none is lost', async (t) => {
  const hostile = [
    '../../up',
    '/etc/passwd',
    'C:/boot.ini',
    'a\\..\\..\\b',
    'esc\u001b[2J',
    'a\nb',
    'a_b',
    './.',
  ]
  const zip = await archiveOf(hostile.flatMap((path) => file(path, path)))
  const out = unpack(t, zip)
  if (out === undefined) return
  const found = readdirSync(out, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
  assert.deepEqual(found.sort(), [...hostile].sort())
  assert.ok(!readdirSync(out, { recursive: true, encoding: 'utf8' }).some((name) => /[\p{Cc}\\]/u.test(name)))
})

test('names of an archive are each there once, and nothing lies behind a link', () => {
  const names = new ArchiveNames()
  assert.equal(names.file('d/a\nb.txt'), 'd/a_b.txt')
  assert.equal(names.file('d/a_b.txt'), 'd/a_b (2).txt')
  assert.equal(names.file('d/.profile'), 'd/.profile')
  assert.equal(names.file('d/.profile'), 'd/.profile (2)')
  assert.equal(names.folder('d'), 'd')
  assert.equal(names.link('d'), 'd (2)')
  assert.equal(names.link('to'), 'to')
  assert.equal(names.link('TO/passwd'), undefined)
  assert.equal(names.file('..'), '__')
})

test('what is left out is named in the archive', async (t) => {
  const zip = await archiveOf(
    [
      ...file('top/a', 'a'),
      { event: 'skipped', path: 'top/null', kind: 'other' },
      { event: 'link', path: 'top/l', target: '/etc' },
      { event: 'link', path: 'top/l/passwd', target: '/tmp' },
    ],
    'Not all of the file system can be read.',
  )
  const out = unpack(t, zip)
  if (out === undefined) return
  const note = readFileSync(join(out, LEFT_OUT_NOTE), 'utf8').split('\r\n')
  assert.equal(note[0], 'Not all of the file system can be read.')
  assert.equal(note[1], 'Left out: 2 things.')
  assert.match(note[2]!, /^\/top\/null \(it is no plain file\)$/)
  assert.match(note[3]!, /^\/top\/l\/passwd \(it would lie behind another link\)$/)
})
