import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { VivariumError } from '../../src/base/index.ts'
import { createDiskFile, openDiskFile } from '../../src/system/index.ts'
import { copyOut, type Inside, openInside } from '../../src/workshop/index.ts'
import { bin } from './server-process.ts'
import { missing } from './tools.ts'

/** Real file systems by the tools that make them, in our disks: what comes out is what went in, byte for byte. */
const MiB = 1 << 20
const START = MiB
const folder = mkdtempSync(join(tmpdir(), 'vivarium-inside-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Bytes that no other seed gives, the same in each run. */
function noise(length: number, seed: string): Buffer {
  const parts: Buffer[] = []
  for (let count = 0; count * 32 < length; count++)
    parts.push(createHash('sha256').update(`${seed} ${count}`).digest())
  return Buffer.concat(parts).subarray(0, length)
}

const FILES: Readonly<Record<string, Buffer>> = {
  'hello.txt': Buffer.from('hello\n'),
  'empty.dat': Buffer.alloc(0),
  'Grüße aus Köln, ein langer Name.txt': noise(70_000, 'long'),
  'big.bin': noise(3 * MiB + 17, 'big'),
  'zeroes.bin': Buffer.concat([noise(5000, 'head'), Buffer.alloc(900_000), noise(3, 'tail')]),
}
const SECOND = {
  'windows/system32/drivers/deep.sys': noise(123_456, 'deep'),
  'windows/a b.txt': Buffer.from('a b'),
}
const TIME = new Date('2004-08-04T12:34:56Z')

function treeOf(name: string, files: Readonly<Record<string, Buffer>>): string {
  const root = join(folder, name)
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), bytes)
    utimesSync(join(root, path), TIME, TIME)
  }
  return root
}

interface Maker {
  readonly kind: string
  readonly tools: readonly string[]
  readonly files: Readonly<Record<string, Buffer>>
  make(image: string): void
  /** Adds `added.txt`, so that a child shows what its parent does not. */
  add?(image: string): void
}

const ADDED = noise(40_000, 'added')

function blank(image: string, megabytes: number): void {
  writeFileSync(image, '')
  truncateSync(image, megabytes * MiB)
}

function run(tool: string, ...args: string[]): void {
  execFileSync(tool, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  })
}

function addedFile(): string {
  const path = join(folder, 'added.txt')
  writeFileSync(path, ADDED)
  return path
}

function fat(bits: '12' | '16' | '32', megabytes: number): Maker {
  const files = { ...FILES, ...SECOND }
  return {
    kind: `FAT${bits}`,
    tools: ['mkfs.fat', 'mcopy'],
    files,
    make(image) {
      blank(image, megabytes)
      run('mkfs.fat', '-F', bits, '-n', 'VIVARIUM', image)
      const tree = treeOf(`fat${bits}`, files)
      run('mcopy', '-s', '-m', '-i', image, ...readdirSync(tree).map((name) => join(tree, name)), '::/')
    },
    add: (image) => run('mcopy', '-i', image, addedFile(), '::/added.txt'),
  }
}

function ext(version: 2 | 3 | 4): Maker {
  const files = { ...FILES, ...SECOND, 'quo"te\\ and *?.txt': Buffer.from('odd') }
  return {
    kind: `ext${version}`,
    tools: ['mke2fs', 'debugfs'],
    files,
    make(image) {
      blank(image, 32)
      const tree = treeOf(`ext${version}`, files)
      rmSync(join(tree, 'link'), { force: true })
      symlinkSync('../../../etc/passwd', join(tree, 'link'))
      run('mke2fs', '-q', '-F', '-t', `ext${version}`, '-L', 'vivarium', '-d', tree, image)
    },
    add: (image) => run('debugfs', '-w', '-R', `write ${addedFile()} added.txt`, image),
  }
}

const ntfs: Maker = {
  kind: 'NTFS',
  tools: ['mkntfs', 'ntfscp'],
  files: FILES,
  make(image) {
    blank(image, 32)
    run('mkntfs', '-q', '-F', '-Q', '-L', 'Vivarium', image)
    const tree = treeOf('ntfs', FILES)
    for (const name of Object.keys(FILES)) run('ntfscp', image, join(tree, name), name)
  },
  add: (image) => run('ntfscp', image, addedFile(), 'added.txt'),
}

const iso: Maker = {
  kind: 'ISO 9660',
  tools: ['genisoimage'],
  files: { ...FILES, ...SECOND },
  make: (image) =>
    run(
      'genisoimage',
      '-quiet',
      '-J',
      '-R',
      '-V',
      'VIVARIUM',
      '-o',
      image,
      treeOf('iso', { ...FILES, ...SECOND }),
    ),
}

const udf: Maker = {
  kind: 'UDF bridge',
  tools: ['genisoimage'],
  files: { ...FILES, ...SECOND },
  make: (image) => run('genisoimage', '-quiet', '-udf', '-o', image, treeOf('udf', { ...FILES, ...SECOND })),
}

const MAKERS = [fat('12', 8), fat('16', 32), fat('32', 48), ntfs, ext(2), ext(3), ext(4), iso, udf]

/** A disk with one partition that holds the volume. */
function partitioned(path: string, image: string): void {
  const volume = readFileSync(image)
  const sizeBytes = START + Math.ceil(volume.length / MiB) * MiB
  createDiskFile(path, { subformat: 'dynamic', sizeBytes })
  const disk = openDiskFile(path, { writable: true })
  const table = Buffer.alloc(512)
  table[446 + 4] = 0x83
  table.writeUInt32LE(START / 512, 446 + 8)
  table.writeUInt32LE((sizeBytes - START) / 512, 446 + 12)
  table.writeUInt16BE(0x55aa, 510)
  disk.write(0, table)
  disk.write(START, volume)
  disk.flush()
  disk.close()
}

/** A child that stores the sectors in which the changed volume differs. */
function childOf(path: string, parent: string, before: string, after: string): void {
  createDiskFile(path, { subformat: 'differencing', parent })
  const disk = openDiskFile(path, { writable: true })
  const [old, changed] = [readFileSync(before), readFileSync(after)]
  for (let at = 0; at < old.length; at += 512) {
    const sector = changed.subarray(at, at + 512)
    if (!sector.equals(old.subarray(at, at + 512))) disk.write(START + at, sector)
  }
  disk.flush()
  disk.close()
}

async function contentOf(inside: Inside, volume: number): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  let name = ''
  let hash = createHash('sha256')
  await inside.extract(volume, '', (event) => {
    if (event.event === 'file') {
      name = event.path
      hash = createHash('sha256')
    } else if (event.event === 'data') hash.update(event.bytes)
    else if (event.event === 'hole') hash.update(Buffer.alloc(event.length))
    else if (event.event === 'end') found[name] = hash.digest('hex')
  })
  return found
}

function hashes(files: Readonly<Record<string, Buffer>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]),
  )
}

async function look<Result>(path: string, at: (inside: Inside) => Promise<Result>): Promise<Result> {
  const inside = openInside(path, { roots: [folder] })
  try {
    return await at(inside)
  } finally {
    inside.close()
  }
}

for (const maker of MAKERS) {
  test(`files of ${maker.kind} come out as they went in: raw, in a VHD, and through a chain`, async (t) => {
    if (missing(t, ...maker.tools)) return
    const image = join(folder, `${maker.kind.replaceAll(' ', '')}.img`)
    maker.make(image)
    assert.deepEqual(await look(image, (inside) => contentOf(inside, 0)), hashes(maker.files))
    const disk = join(folder, `${maker.kind.replaceAll(' ', '')}.vhd`)
    partitioned(disk, image)
    assert.deepEqual(await look(disk, (inside) => contentOf(inside, 1)), hashes(maker.files))
    if (maker.add === undefined) return
    const changed = `${image}.changed`
    copyFileSync(image, changed)
    maker.add(changed)
    const child = join(folder, `${maker.kind}-child.vhd`)
    childOf(child, disk, image, changed)
    const withAdded = hashes({ ...maker.files, 'added.txt': ADDED })
    assert.deepEqual(await look(child, (inside) => contentOf(inside, 1)), withAdded)
    assert.deepEqual(await look(disk, (inside) => contentOf(inside, 1)), hashes(maker.files))
  })
}

test('folders are listed one by one, with sizes, times, links, and names in either case where the guest takes them', async (t) => {
  if (missing(t, 'mkfs.fat', 'mcopy', 'mke2fs', 'debugfs')) return
  const image = join(folder, 'list.img')
  fat('16', 32).make(image)
  await look(image, async (inside) => {
    assert.deepEqual(await inside.volumes(), [
      { number: 0, fileSystem: 'FAT16', label: 'VIVARIUM', sizeBytes: 32 * MiB, readable: true },
    ])
    const { entries } = await inside.list(0, '')
    assert.deepEqual(entries[0], {
      name: 'windows',
      kind: 'folder',
      sizeBytes: 0,
      modified: entries[0]!.modified,
    })
    assert.ok(entries.some(({ name, sizeBytes }) => name === 'big.bin' && sizeBytes === 3 * MiB + 17))
    const deep = await inside.list(0, '/WINDOWS/System32/drivers')
    assert.deepEqual(
      deep.entries.map(({ name }) => name),
      ['deep.sys'],
    )
    // FAT keeps the wall clock's time: that of the computer that wrote it.
    const local = new Date(deep.entries[0]!.modified!)
    assert.equal(local.getTime(), TIME.getTime())
    await assert.rejects(inside.list(0, 'windows/nothing'), { code: 'inside-no-such-file' })
    await assert.rejects(inside.list(0, 'hello.txt'), { code: 'inside-not-a-folder' })
    await assert.rejects(inside.list(7, ''), { code: 'inside-no-such-volume' })
  })
  ext(4).make(image)
  await look(image, async (inside) => {
    const { entries } = await inside.list(0, '')
    const link = entries.find(({ name }) => name === 'link')
    assert.deepEqual([link?.kind, link?.target], ['link', '../../../etc/passwd'])
    assert.equal(entries.find(({ name }) => name === 'hello.txt')?.modified, '2004-08-04T12:34:56Z')
    await assert.rejects(inside.list(0, 'HELLO.TXT'), { code: 'inside-no-such-file' })
  })
})

function vivarium(...args: string[]): { status: number; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8' })
  return { status: status ?? -1, out: stdout, err: stderr }
}

test('the command line lists and copies out, refuses to replace, and keeps times', (t) => {
  if (missing(t, 'mke2fs', 'debugfs')) return
  const image = join(folder, 'cli.img')
  ext(4).make(image)
  const disk = join(folder, 'cli.vhd')
  partitioned(disk, image)
  const listed = JSON.parse(vivarium('disk', 'ls', disk, '/1/windows', '-r', '--json').out)
  assert.deepEqual(
    listed.entries.map(({ path }: { path: string }) => path),
    ['windows/system32', 'windows/a b.txt', 'windows/system32/drivers', 'windows/system32/drivers/deep.sys'],
  )
  const target = join(folder, 'out')
  mkdirSync(target)
  const copied = vivarium('disk', 'cp', disk, '/windows', target)
  assert.equal(copied.status, 0, copied.err)
  const deep = join(target, 'windows/system32/drivers/deep.sys')
  assert.ok(readFileSync(deep).equals(SECOND['windows/system32/drivers/deep.sys']))
  assert.equal(statSync(deep).mtimeMs, TIME.getTime())
  const again = vivarium('disk', 'cp', disk, '1:/windows', target)
  assert.equal(again.status, 1)
  assert.match(again.err, /exists already.*--force/)
  writeFileSync(deep, 'changed')
  writeFileSync(join(target, 'windows/mine.txt'), 'mine')
  assert.equal(vivarium('disk', 'cp', '--force', disk, '/1/windows', target).status, 0)
  assert.ok(readFileSync(deep).equals(SECOND['windows/system32/drivers/deep.sys']))
  assert.ok(existsSync(join(target, 'windows/mine.txt')))
  const all = vivarium('disk', 'cp', disk, '/', join(folder, 'all'))
  assert.equal(all.status, 0, all.err)
  assert.doesNotMatch(all.err, /Left out/)
  assert.match(all.out, /Copied \d+ files and 1 link/)
  assert.equal(readlinkSync(join(folder, 'all/link')), '../../../etc/passwd')
  assert.ok(readFileSync(join(folder, 'all/quo"te\\ and *?.txt')).equals(Buffer.from('odd')))
  const odd = vivarium('disk', 'cp', disk, '/quo"te\\ and *?.txt', join(folder, 'odd.txt'))
  assert.equal(odd.status, 0, odd.err)
  const wrong = vivarium('disk', 'ls', disk, '/nowhere', '--json')
  assert.equal(wrong.status, 2)
  assert.equal(JSON.parse(wrong.out).error.code, 'inside-no-such-file')
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('.copying')),
    [],
  )
})

for (const version of [2, 3, 4] as const) {
  test(`links of ext${version} come out as they are, with extended attributes and long ones too`, (t) => {
    if (missing(t, 'mke2fs', 'debugfs')) return
    const tree = join(folder, `links${version}`)
    const targets = {
      short: 'file',
      labelled: '../../etc/passwd',
      long: `${'long/'.repeat(30)}end`,
      'long-labelled': `${'/abs'.repeat(50)}`,
      lines: 'line\nbreak',
    }
    mkdirSync(tree)
    writeFileSync(join(tree, 'file'), 'content')
    for (const [name, target] of Object.entries(targets)) symlinkSync(target, join(tree, name))
    execFileSync('mkfifo', [join(tree, 'pipe')])
    const image = join(folder, `links${version}.img`)
    blank(image, 16)
    run('mke2fs', '-q', '-F', '-t', `ext${version}`, '-d', tree, image)
    for (const name of ['labelled', 'long-labelled'])
      run('debugfs', '-w', '-R', `ea_set /${name} security.label ${'x'.repeat(200)}`, image)
    const listed = JSON.parse(vivarium('disk', 'ls', image, '/', '--json').out)
    const links = listed.entries.filter(({ kind }: { kind: string }) => kind === 'link')
    assert.deepEqual(
      Object.fromEntries(links.map(({ name, target }: { name: string; target: string }) => [name, target])),
      targets,
    )
    const target = join(folder, `links${version}-out`)
    const copied = vivarium('disk', 'cp', image, '/', target, '--json')
    assert.equal(copied.status, 0, copied.err)
    const { links: count, skipped, notes } = JSON.parse(copied.out)
    assert.deepEqual([count, skipped], [5, 1])
    assert.match(notes[0].message, /^Left out 1 other thing \(.*pipe.*\): pipe\.$/)
    for (const [name, to] of Object.entries(targets)) assert.equal(readlinkSync(join(target, name)), to)
    assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'content')
  })
}

test('links of Rock Ridge come out as they are, beside names of Joliet too', (t) => {
  if (missing(t, 'genisoimage')) return
  const tree = join(folder, 'disc-links')
  const deep = 'deep/a/b/c/d/e/f/g/h'
  for (const name of ['sub', deep]) mkdirSync(join(tree, name), { recursive: true })
  writeFileSync(join(tree, 'empty'), '')
  writeFileSync(join(tree, 'hello.txt'), 'hello')
  // The longest has its target in two places; one name is too long for Joliet, and one has a sign that Joliet lacks.
  const targets: Record<string, string> = {
    plain: 'hello.txt',
    root: '/',
    rooted: '/a/./b/../ü',
    'what?': '..',
    [`sub/${'n'.repeat(90)}`]: `${'up/'.repeat(35)}end`,
    [`${deep}/far`]: '../../../hello.txt',
  }
  for (const [name, target] of Object.entries(targets)) symlinkSync(target, join(tree, name))
  for (const names of [['-R'], ['-R', '-J']]) {
    const image = join(folder, `links${names.join('')}.iso`)
    run('genisoimage', '-quiet', ...names, '-o', image, tree)
    const listed = JSON.parse(vivarium('disk', 'ls', image, '/', '--recursive', '--json').out)
    const links = listed.entries.filter(({ kind }: { kind: string }) => kind === 'link')
    const isJoliet = names.includes('-J')
    const shown = (name: string) => {
      if (!isJoliet) return name.replace('deep/a/b/c/d/e/f/g', 'rr_moved/g')
      return name.replace('?', '_').replace('n'.repeat(90), 'n'.repeat(64))
    }
    assert.deepEqual(
      Object.fromEntries(links.map(({ path, target }: { path: string; target: string }) => [path, target])),
      Object.fromEntries(Object.entries(targets).map(([name, target]) => [shown(name), target])),
    )
    const out = join(folder, `links${names.join('')}-out`)
    mkdirSync(out)
    const copied = JSON.parse(vivarium('disk', 'cp', image, '/', out, '--json').out)
    assert.deepEqual([copied.links, copied.skipped], [6, 0])
    for (const [name, target] of Object.entries(targets))
      assert.equal(readlinkSync(join(out, shown(name))), target)
    assert.equal(readFileSync(join(out, 'empty'), 'utf8'), '')
  }
})

for (const [version, size] of [
  [3, 2 ** 36],
  [4, 2 ** 40],
] as const) {
  test(`a file of ext${version} that is nearly all hole comes out at once, alone and in its folder, and takes no room`, (t) => {
    if (missing(t, 'mke2fs')) return
    const tree = join(folder, `sparse${version}`)
    mkdirSync(join(tree, 'some folder'), { recursive: true })
    const name = 'some folder/sparse_disk.img'
    const fd = openSync(join(tree, name), 'w')
    const written = [noise(10_000, 'first'), noise(3 * MiB, 'second'), noise(5, 'third')]
    const offsets = [0, 2 ** 35 + 12_288, size - 5]
    for (const [index, bytes] of written.entries()) writeSync(fd, bytes, 0, bytes.length, offsets[index])
    closeSync(fd)
    writeFileSync(join(tree, 'some folder/small'), 'small')
    const image = join(folder, `sparse${version}.img`)
    blank(image, 64)
    run('mke2fs', '-q', '-F', '-t', `ext${version}`, '-b', '4096', '-d', tree, image)
    const out = join(folder, `sparse${version}-out`)
    mkdirSync(out)
    for (const [wanted, copy] of [
      [`/${name}`, 'alone.img'],
      ['/', 'all'],
    ] as const) {
      const copied = vivarium('disk', 'cp', image, wanted, join(out, copy), '--json')
      assert.equal(copied.status, 0, copied.err)
      const path = wanted === '/' ? join(out, copy, name) : join(out, copy)
      assert.equal(statSync(path).size, size)
      assert.ok(statSync(path).blocks * 512 < 8 * MiB, `${statSync(path).blocks * 512} bytes of the host`)
      const from = openSync(path, 'r')
      for (const [index, bytes] of written.entries()) {
        const found = Buffer.alloc(bytes.length)
        readSync(from, found, 0, found.length, offsets[index]!)
        assert.ok(found.equals(bytes), `what was written at ${offsets[index]}`)
      }
      closeSync(from)
    }
    assert.deepEqual(readdirSync(join(out, 'all/some folder')).sort(), ['small', 'sparse_disk.img'])
    assert.equal(readFileSync(join(out, 'all/some folder/small'), 'utf8'), 'small')
  })
}

const quiet = { roots: [folder], progress: () => undefined, note: () => undefined }

test('a copy that is stopped leaves nothing behind, and never replaces a link with what it leads to', async (t) => {
  if (missing(t, 'mke2fs', 'debugfs')) return
  const image = join(folder, 'stop.img')
  ext(4).make(image)
  const target = join(folder, 'stopped')
  mkdirSync(target)
  const controller = new AbortController()
  const stopping = copyOut.run(
    { path: image, volume: 0, inside: '', target, force: true },
    { ...quiet, signal: controller.signal, progress: () => controller.abort() },
  )
  await assert.rejects(stopping, { name: 'AbortError' })
  assert.deepEqual(readdirSync(target), [])
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('.copying')),
    [],
  )
  const outside = join(folder, 'outside.txt')
  writeFileSync(outside, 'outside')
  symlinkSync(outside, join(target, 'hello.txt'))
  const replacing = copyOut.run(
    { path: image, inside: 'hello.txt', target, force: true },
    { ...quiet, signal: new AbortController().signal },
  )
  await assert.rejects(replacing, { code: 'host-eexist' })
  assert.equal(readFileSync(outside, 'utf8'), 'outside')
  const elsewhere = copyOut.run(
    { path: image, inside: 'hello.txt', target: tmpdir(), force: true },
    { ...quiet, signal: new AbortController().signal },
  )
  await assert.rejects(elsewhere, { code: 'outside-roots' })
})

test('a file of two names comes out under both', async (t) => {
  if (missing(t, 'mkfs.ext4')) return
  const tree = join(folder, 'two-names')
  mkdirSync(tree)
  writeFileSync(join(tree, 'first'), noise(70_000, 'twice'))
  linkSync(join(tree, 'first'), join(tree, 'second'))
  const image = join(folder, 'two-names.img')
  execFileSync('mkfs.ext4', ['-q', '-F', '-d', tree, image, '8M'], { stdio: 'ignore' })
  for (const [inside, names] of [
    ['', ['first', 'second']],
    ['second', ['second']],
  ] as const) {
    const target = join(folder, `two-names-${names.length}`)
    if (inside !== '') mkdirSync(target)
    await copyOut.run(copyOut.schema.parse({ path: image, inside, target }), {
      signal: new AbortController().signal,
      roots: ['/'],
      progress: () => undefined,
      note: () => undefined,
    })
    for (const name of names) assert.ok(readFileSync(join(target, name)).equals(noise(70_000, 'twice')), name)
  }
})

test('damaged file systems end with an answer or an error, within the limits of the reader', async (t) => {
  if (missing(t, 'mkfs.fat', 'mcopy', 'mkntfs', 'ntfscp', 'mke2fs', 'debugfs', 'genisoimage')) return
  for (const maker of [fat('16', 32), ntfs, ext(4), iso]) {
    const image = join(folder, 'sound.img')
    rmSync(join(folder, maker.kind.toLowerCase()), { recursive: true, force: true })
    maker.make(image)
    const sound = readFileSync(image)
    for (let seed = 0; seed < 4; seed++) {
      const damaged = Buffer.from(sound)
      const random = noise(4096, `${maker.kind} ${seed}`)
      for (let count = 0; count < 60; count++) {
        // Most of it where the file system keeps its tables, and some anywhere.
        const range =
          count % 3 === 0 ? damaged.length : Math.min(damaged.length, (64 + 512 * (count % 2)) << 10)
        damaged[random.readUInt32LE(count * 8) % range] = random[count * 8 + 5]!
      }
      const path = join(folder, 'damaged.img')
      writeFileSync(path, damaged)
      const inside = openInside(path, { roots: [folder], limits: { silenceMs: 20_000 } })
      try {
        const volumes = await inside.volumes()
        for (const { number, readable } of volumes) if (readable) await contentOf(inside, number)
      } catch (error) {
        assert.ok(error instanceof VivariumError, `${maker.kind} ${seed}: ${error}`)
        assert.notEqual(error.code, 'inside-reader-silent', `${maker.kind} ${seed}`)
      } finally {
        inside.close()
      }
    }
  }
})

test('a reader that falls silent or dies is an error, and the next question gets a new one', async (t) => {
  if (missing(t, 'mkfs.fat', 'mcopy')) return
  const image = join(folder, 'limits.img')
  fat('12', 8).make(image)
  const impatient = openInside(image, { roots: [folder], limits: { silenceMs: 1 } })
  await assert.rejects(impatient.volumes(), { kind: 'corrupt', code: 'inside-reader-silent' })
  await assert.rejects(impatient.volumes(), { kind: 'corrupt', code: 'inside-reader-silent' })
  const small = openInside(image, { roots: [folder], limits: { heapMB: 1 } })
  await assert.rejects(small.volumes(), { kind: 'corrupt', code: 'inside-reader-died' })
  const inside = openInside(image, { roots: [folder] })
  assert.equal((await inside.volumes()).length, 1)
  inside.close()
  await assert.rejects(inside.volumes(), { kind: 'unavailable', code: 'inside-closed' })
})

test('a disk that changes is read anew', async (t) => {
  if (missing(t, 'mkfs.fat', 'mcopy')) return
  const image = join(folder, 'changing.img')
  const maker = fat('12', 8)
  maker.make(image)
  await look(image, async (inside) => {
    const names = async () => (await inside.list(0, '')).entries.map(({ name }) => name)
    assert.ok(!(await names()).includes('added.txt'))
    maker.add!(image)
    assert.ok((await names()).includes('added.txt'))
  })
})

test('inspect --guest reads what the guest says of itself, and inspect alone guesses', (t) => {
  if (missing(t, 'mke2fs')) return
  const tree = treeOf('debian', {
    'usr/lib/os-release': Buffer.from('NAME="Debian GNU/Linux"\nVERSION="12 (bookworm)"\n'),
  })
  mkdirSync(join(tree, 'etc'), { recursive: true })
  rmSync(join(tree, 'etc/os-release'), { force: true })
  symlinkSync('../usr/lib/os-release', join(tree, 'etc/os-release'))
  const image = join(folder, 'debian.img')
  blank(image, 16)
  run('mke2fs', '-q', '-F', '-t', 'ext4', '-d', tree, image)
  const disk = join(folder, 'debian.vhd')
  partitioned(disk, image)
  const plain = JSON.parse(vivarium('inspect', disk, '--json').out)
  assert.deepEqual(plain.guest, {
    name: 'Linux',
    confidence: 'likely',
    evidence: ['Linux partition', 'ext4 file system'],
  })
  const sure = JSON.parse(vivarium('inspect', disk, '--guest', '--json').out)
  assert.deepEqual(sure.guest, {
    name: 'Debian GNU/Linux',
    version: '12 (bookworm)',
    confidence: 'certain',
    evidence: ['/usr/lib/os-release'],
  })
})
