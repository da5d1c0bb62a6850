import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { after, test } from 'node:test'
import unbzip2 from 'unbzip2-stream'
import type { ByteStore } from '../../src/base/index.ts'
import { randomBelow } from '../../src/base/testing.ts'
import { createVhdx, type Disk, type NewVhdx, openDiskChain, readImage } from '../../src/disk/index.ts'
import { inspectDisk, openDiskFile, openFileStore } from '../../src/system/index.ts'
import { mergeIntoParent } from '../../src/workshop/index.ts'
import { missing } from './tools.ts'

/**
 * VHDX: independent tools read what we write, and we read what they write. QEMU is asked about disks without a
 * parent and sectors of 512 bytes, the only ones it knows, and about the log; 7-Zip about the others.
 */
const MiB = 1 << 20
/** No multiple of a block; and an even number of sectors, because 7-Zip 26.02 refuses an odd one. */
const SIZE = 70 * MiB + 4096 * 6
const folder = mkdtempSync(join(tmpdir(), 'vivarium-vhdx-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function create(name: string, options: Partial<NewVhdx> & { readonly type: NewVhdx['type'] }): string {
  const path = join(folder, name)
  const store = openFileStore(path, { create: true })
  createVhdx(store, { sizeBytes: SIZE, ...options })
  store.close()
  return path
}

function child(name: string, parent: string, options: Partial<NewVhdx> = {}): string {
  const store = openFileStore(parent)
  const { id, diskId, sectorSize } = readImage(store).facts
  store.close()
  return create(name, {
    type: 'differencing',
    ...options,
    parent: {
      ...{ id: id!, diskId: diskId!, sectorSize: sectorSize! },
      ...{ absolutePath: parent, relativePath: `.\\${basename(parent)}` },
    },
  })
}

function rawFile(name: string): string {
  const path = join(folder, name)
  writeFileSync(path, '')
  truncateSync(path, SIZE)
  return path
}

/** Writes, zeroes and discards pieces at odd places, the same to a raw file. */
function scribble(disk: Disk, raw: string, seed: number): void {
  const fd = openSync(raw, 'r+')
  const next = randomBelow(seed)
  for (let count = 0; count < 60; count++) {
    const length = 1 + next(count % 5 === 0 ? 5 * MiB : 9000)
    const at = next(SIZE - length)
    const data = new Uint8Array(length).fill(count % 7 === 0 ? 0 : 1 + next(255))
    if (data[0] === 0) disk.writeZeroes(at, length)
    else disk.write(at, data)
    writeSync(fd, data, 0, length, at)
    if (count % 11 === 0) disk.flush()
  }
  disk.write(SIZE - 512, new Uint8Array(512).fill(0xee))
  writeSync(fd, new Uint8Array(512).fill(0xee), 0, 512, SIZE - 512)
  closeSync(fd)
}

function hashOf(path: string): string {
  const disk = openDiskFile(path)
  const hash = createHash('sha256')
  const buffer = new Uint8Array(MiB)
  for (let at = 0; at < disk.sizeBytes; at += MiB) {
    const piece = buffer.subarray(0, Math.min(MiB, disk.sizeBytes - at))
    disk.read(at, piece)
    hash.update(piece)
  }
  disk.close()
  return hash.digest('hex')
}

function qemuImg(...args: string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function sevenZip(path: string): string {
  const out = `${path}.out`
  execFileSync('7z', ['e', '-y', '-tvhdx', `-o${out}`, path], { stdio: 'ignore' })
  return join(out, readdirSync(out)[0]!)
}

for (const [type, blockSize] of [
  ['fixed', 2 * MiB],
  ['dynamic', MiB],
  ['dynamic', 32 * MiB],
] as const) {
  const name = `${type}-${blockSize / MiB}`

  test(`QEMU and 7-Zip read our ${type} disk with blocks of ${blockSize / MiB} MiB as we do`, (t) => {
    if (missing(t, 'qemu-img')) return
    const raw = rawFile(`${name}.img`)
    const path = create(`${name}.vhdx`, { type, blockSize })
    const disk = openDiskFile(path, { writable: true })
    scribble(disk, raw, 42)
    disk.close()
    assert.match(qemuImg('check', '-f', 'vhdx', path), /No errors/)
    qemuImg('compare', '-f', 'vhdx', '-F', 'raw', path, raw)
    assert.equal(JSON.parse(qemuImg('info', '-f', 'vhdx', '--output=json', path))['virtual-size'], SIZE)
    assert.equal(hashOf(path), hashOf(raw))
    if (!missing(t, '7z')) assert.equal(hashOf(sevenZip(path)), hashOf(raw))
  })

  test(`we read and go on writing the ${name} disk that QEMU makes, and QEMU after us`, (t) => {
    if (missing(t, 'qemu-img') || missing(t, 'qemu-io')) return
    const raw = rawFile(`source-${name}.img`)
    const first = create(`source-${name}.vhdx`, { type: 'dynamic' })
    const ours = openDiskFile(first, { writable: true })
    scribble(ours, raw, 7)
    ours.close()
    const path = join(folder, `qemu-${name}.vhdx`)
    const options = `subformat=${type},block_size=${blockSize}`
    qemuImg('convert', '-f', 'raw', '-O', 'vhdx', '-o', options, raw, path)
    assert.equal(hashOf(path), hashOf(raw))
    const disk = openDiskFile(path, { writable: true })
    scribble(disk, raw, 8)
    disk.close()
    assert.match(qemuImg('check', '-f', 'vhdx', path), /No errors/)
    qemuImg('compare', '-f', 'vhdx', '-F', 'raw', path, raw)
    for (const [format, file] of [
      ['vhdx', path],
      ['raw', raw],
    ] as const)
      execFileSync('qemu-io', ['-f', format, '-c', 'write -P 0x5a 3M 40M', '-c', 'write -P 1 512 512', file])
    assert.equal(hashOf(path), hashOf(raw))
    assert.deepEqual(inspectDisk(path).problems, [])
  })
}

test('7-Zip reads our disk with sectors of 4 KiB as we do', (t) => {
  if (missing(t, '7z')) return
  const raw = rawFile('4k.img')
  const path = create('4k.vhdx', { type: 'dynamic', sectorSize: 4096 })
  const disk = openDiskFile(path, { writable: true })
  scribble(disk, raw, 3)
  disk.close()
  assert.equal(hashOf(path), hashOf(raw))
  assert.equal(hashOf(sevenZip(path)), hashOf(raw))
})

for (const sectorSize of [512, 4096] as const) {
  test(`7-Zip reads our differencing disk with sectors of ${sectorSize} bytes over its parent as we do`, (t) => {
    if (missing(t, '7z')) return
    const raw = rawFile(`chain-${sectorSize}.img`)
    let path = create(`parent-${sectorSize}.vhdx`, { type: 'dynamic', sectorSize })
    for (const [seed, name] of ['', 'child', 'grandchild'].entries()) {
      if (name !== '') path = child(`${name}-${sectorSize}.vhdx`, path)
      const disk = openDiskFile(path, { writable: true })
      scribble(disk, raw, seed + 1)
      disk.close()
    }
    assert.equal(hashOf(path), hashOf(raw))
    assert.equal(hashOf(sevenZip(path)), hashOf(raw))
  })
}

test('QEMU replays the log that a killed process left, and we do', (t) => {
  if (missing(t, 'qemu-img')) return
  const raw = rawFile('killed.img')
  const path = create('killed.vhdx', { type: 'dynamic', blockSize: MiB })
  const file = openFileStore(path, { writable: true })
  let logged = false
  // From the first log entry on, what changes the table in its place is lost: only the log has it.
  const store: ByteStore = {
    ...file,
    write(at, from) {
      if (at >= MiB && at < 2 * MiB) logged = true
      if (!logged || at < 2 * MiB) file.write(at, from)
    },
    close: () => undefined,
  }
  const disk = openDiskChain([store], [], { writable: true })
  scribbleOnce(disk, raw)
  disk.flush()
  file.close()
  assert.equal(inspectDisk(path).problems[0]?.code, 'vhdx-log-not-replayed')
  assert.equal(hashOf(path), hashOf(raw))
  const copy = `${path}.copy.vhdx`
  writeFileSync(copy, readFileSync(path))
  qemuImg('check', '-f', 'vhdx', '-r', 'all', path)
  qemuImg('compare', '-f', 'vhdx', '-F', 'raw', path, raw)
  assert.deepEqual(inspectDisk(path).problems, [])
  openDiskFile(copy, { writable: true }).close()
  qemuImg('compare', '-f', 'vhdx', '-F', 'raw', copy, raw)
})

function scribbleOnce(disk: Disk, raw: string): void {
  const fd = openSync(raw, 'r+')
  for (let at = 0; at < SIZE - 9000; at += 3 * MiB + 512) {
    const data = new Uint8Array(9000).fill(1 + (at % 251))
    disk.write(at, data)
    writeSync(fd, data, 0, data.length, at)
  }
  closeSync(fd)
}

test('a child is merged into its parent, and the merge can be run again', async () => {
  const raw = rawFile('merge.img')
  const parent = create('merged.vhdx', { type: 'dynamic' })
  const path = child('merging.vhdx', parent)
  const disk = openDiskFile(path, { writable: true })
  scribble(disk, raw, 5)
  disk.close()
  const stopped = new AbortController()
  const onProgress = () => stopped.abort()
  await mergeIntoParent([path, parent], { onProgress, signal: stopped.signal }).catch(() => undefined)
  assert.equal(hashOf(path), hashOf(raw), 'the child shows the same all the time')
  await mergeIntoParent([path, parent])
  assert.equal(hashOf(parent), hashOf(raw))
})

/** Every real VHDX we have reads to the content that was recorded for it. */
const corpus = process.env.VIVARIUM_CORPUS ?? resolve(import.meta.dirname, '../../../shared/corpus')
const here = existsSync(join(corpus, 'manifest.json'))

interface Entry {
  readonly file: string
  readonly guest_sha256: string
  readonly guest_bytes: number
  readonly unpacked_sha256?: string
}

const entries: Entry[] = here ? JSON.parse(readFileSync(join(corpus, 'manifest.json'), 'utf8')) : []
const real = entries.filter(({ file }) => /\.vhdx(\.bz2)?$/.test(file))

test('the corpus is here', (t) => {
  if (!here) return t.skip('corpus not here: set VIVARIUM_CORPUS')
  assert.ok(real.length >= 6)
})

async function unpacked({ file, unpacked_sha256 }: Entry): Promise<string> {
  if (!file.endsWith('.bz2')) return join(corpus, file)
  const path = join(folder, basename(file, '.bz2'))
  await pipeline(createReadStream(join(corpus, file)), unbzip2(), createWriteStream(path))
  assert.equal(createHash('sha256').update(readFileSync(path)).digest('hex'), unpacked_sha256)
  return path
}

for (const entry of real) {
  test(`${entry.file} reads to its recorded content`, async () => {
    const path = await unpacked(entry)
    assert.equal(hashOf(path), entry.guest_sha256)
    const { virtualSize, problems } = inspectDisk(path)
    assert.equal(virtualSize, entry.guest_bytes)
    assert.deepEqual(
      problems.map(({ code }) => code),
      entry.file.endsWith('parent.vhdx') ? ['disk-is-a-parent'] : [],
    )
  })
}
