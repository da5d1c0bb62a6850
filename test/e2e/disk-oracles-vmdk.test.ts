import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { randomBelow } from '../../src/base/testing.ts'
import { createVdi, type Disk } from '../../src/disk/index.ts'
import { createDiskFile, inspectDisk, openDiskFile, openFileStore } from '../../src/system/index.ts'
import { bin } from './server-process.ts'
import { missing } from './tools.ts'

/** QEMU and 7-Zip read the VMDKs and VDIs that we write, and we read and go on writing theirs. */
const MiB = 1 << 20
const GiB = 2 ** 30
const SIZE = 40 * MiB + 512 * 7 // no multiple of a grain, a block or a cylinder
const folder = mkdtempSync(join(tmpdir(), 'vivarium-vmdk-oracles-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Writes pieces at odd places, the same to a raw file. */
function scribble(disk: Disk, raw: string, seed: number): void {
  const fd = openSync(raw, 'r+')
  const next = randomBelow(seed)
  for (let count = 0; count < 40; count++) {
    const length = 1 + next(count % 5 === 0 ? MiB : 9000)
    const at = next(SIZE - length)
    const data = new Uint8Array(length).map((_, index) => (index * count) & 0x7f)
    disk.write(at, data)
    writeSync(fd, data, 0, length, at)
  }
  disk.write(SIZE - 512, new Uint8Array(512).fill(0xee))
  writeSync(fd, new Uint8Array(512).fill(0xee), 0, 512, SIZE - 512)
  closeSync(fd)
}

function rawFile(name: string): string {
  const path = join(folder, name)
  writeFileSync(path, '')
  truncateSync(path, SIZE)
  return path
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

function vivarium(...args: string[]): ReturnType<typeof JSON.parse> {
  return JSON.parse(
    execFileSync(process.execPath, [bin, ...args, '--json'], { encoding: 'utf8', stdio: 'pipe' }),
  )
}

/** QEMU writes too, at places that are old and new to the disk. */
function qemuWrites(path: string, raw: string, format: string): void {
  for (const [name, kind] of [
    [path, format],
    [raw, 'raw'],
  ] as const)
    execFileSync(
      'qemu-io',
      [
        '-f',
        kind,
        '-c',
        'write -P 0x31 1000k 300k',
        '-c',
        'write -P 0x32 39m 512k',
        '-c',
        'write -z 3m 1m',
        name,
      ],
      { stdio: 'ignore' },
    )
}

function extractWith7z(path: string, type: string): string {
  const out = mkdtempSync(join(folder, 'seven-'))
  execFileSync('7z', ['e', '-y', `-t${type}`, `-o${out}`, path], { stdio: 'ignore' })
  return createHash('sha256')
    .update(execFileSync('cat', [join(out, readdirSync(out)[0]!)], { maxBuffer: 2 * SIZE }))
    .digest('hex')
}

const SUBFORMATS = [
  'monolithicSparse',
  'monolithicFlat',
  'twoGbMaxExtentSparse',
  'twoGbMaxExtentFlat',
] as const

for (const subformat of SUBFORMATS) {
  test(`QEMU and 7-Zip read our ${subformat} disk as we do, and QEMU goes on writing it`, (t) => {
    if (missing(t, 'qemu-img')) return
    const raw = rawFile(`${subformat}.img`)
    const path = join(folder, `${subformat}.vmdk`)
    createDiskFile(path, { format: 'vmdk', subformat, sizeBytes: SIZE })
    const disk = openDiskFile(path, { writable: true })
    scribble(disk, raw, 42)
    disk.close()
    qemuImg('compare', '-f', 'vmdk', '-F', 'raw', path, raw)
    const info = JSON.parse(qemuImg('info', '-f', 'vmdk', '--output=json', path))
    assert.equal(info['virtual-size'], SIZE)
    assert.equal(info['format-specific'].data['create-type'], subformat)
    if (subformat === 'monolithicSparse') qemuImg('check', '-f', 'vmdk', path)
    if (subformat === 'monolithicSparse' && !missing(t, '7z'))
      assert.equal(extractWith7z(path, 'vmdk'), hashOf(raw))
    qemuWrites(path, raw, 'vmdk')
    assert.equal(hashOf(path), hashOf(raw))
  })

  test(`we read and go on writing the ${subformat} disk that QEMU makes`, (t) => {
    if (missing(t, 'qemu-img')) return
    const raw = rawFile(`qemu-${subformat}.img`)
    const path = join(folder, `qemu-${subformat}.vmdk`)
    qemuImg('create', '-f', 'vmdk', '-o', `subformat=${subformat}`, path, String(SIZE))
    qemuWrites(path, raw, 'vmdk')
    assert.equal(hashOf(path), hashOf(raw))
    const disk = openDiskFile(path, { writable: true })
    scribble(disk, raw, 8)
    disk.close()
    qemuImg('compare', '-f', 'vmdk', '-F', 'raw', path, raw)
    assert.deepEqual(inspectDisk(path).problems, [])
  })
}

/** QEMU writes the same to the disk and to a raw file, on both sides of where a second file begins (2047 MiB or 2 GiB). */
function writeLarge(path: string, raw: string, at: number): void {
  const commands = [
    `write -P 0x31 ${at - MiB} 3M`,
    `write -P 0 ${at} 1M`,
    `write -P 0x32 10M 3M`,
    `write -P 0 11M 1M`,
  ]
  const args = commands.flatMap((command) => ['-c', command])
  for (const [name, kind] of [
    [path, 'vmdk'],
    [raw, 'raw'],
  ] as const)
    execFileSync('qemu-io', ['-f', kind, ...args, name], { stdio: 'ignore' })
}

for (const subformat of ['twoGbMaxExtentSparse', 'twoGbMaxExtentFlat', 'monolithicFlat'] as const)
  for (const maker of ['we', 'QEMU'])
    test(`QEMU goes on writing the ${subformat} disk that ${maker} made, compacted and expanded`, (t) => {
      if (missing(t, 'qemu-img')) return
      const at = mkdtempSync(join(folder, 'large-'))
      const [path, raw] = [join(at, 'disk.vmdk'), join(at, 'raw.img')]
      if (maker === 'we') createDiskFile(path, { format: 'vmdk', subformat, sizeBytes: 3 * GiB })
      else qemuImg('create', '-f', 'vmdk', '-o', `subformat=${subformat}`, path, String(3 * GiB))
      qemuImg('create', '-f', 'raw', raw, String(3 * GiB))
      writeLarge(path, raw, 2047 * MiB)
      const { saved } = vivarium('disk', 'compact', path)
      // Of flat files the host may have stored none of it.
      if (subformat === 'twoGbMaxExtentSparse') assert.equal(saved, 2 * MiB)
      qemuImg('compare', '-f', 'vmdk', '-F', 'raw', path, raw)
      for (const sizeBytes of [3.5 * GiB, 9 * GiB + 512 * 7]) {
        const expanded = vivarium('disk', 'expand', path, '--size', String(sizeBytes))
        assert.deepEqual([expanded.after, expanded.how], [sizeBytes, 'in-place'])
        truncateSync(raw, sizeBytes)
        const info = JSON.parse(qemuImg('info', '-f', 'vmdk', '--output=json', path))
        assert.equal(info['virtual-size'], sizeBytes)
        assert.equal(info['format-specific'].data['create-type'], subformat)
        qemuImg('compare', '-f', 'vmdk', '-F', 'raw', path, raw)
        writeLarge(path, raw, Math.floor(sizeBytes / MiB) * MiB - 2 * MiB)
        writeLarge(path, raw, 3 * GiB)
        qemuImg('compare', '-f', 'vmdk', '-F', 'raw', path, raw)
        assert.deepEqual(inspectDisk(path).problems, [])
      }
      const files = readdirSync(at).filter((name) => name.startsWith('disk'))
      assert.equal(files.length, subformat === 'monolithicFlat' ? 2 : 6, files.join())
    })

test('we read the zeroed grains that QEMU writes, and write more', (t) => {
  if (missing(t, 'qemu-img')) return
  const raw = rawFile('zeroed.img')
  const path = join(folder, 'zeroed.vmdk')
  qemuImg('create', '-f', 'vmdk', '-o', 'zeroed_grain=on', path, String(SIZE))
  qemuWrites(path, raw, 'vmdk')
  const disk = openDiskFile(path, { writable: true })
  scribble(disk, raw, 9)
  disk.close()
  qemuImg('compare', '-f', 'vmdk', '-F', 'raw', path, raw)
})

test('chains of VMDKs are the same to QEMU, whoever made which part', (t) => {
  if (missing(t, 'qemu-img')) return
  const raw = rawFile('chain.img')
  const path = (name: string) => join(folder, name)
  createDiskFile(path('base.vmdk'), { format: 'vmdk', subformat: 'monolithicSparse', sizeBytes: SIZE })
  const base = openDiskFile(path('base.vmdk'), { writable: true })
  scribble(base, raw, 1)
  base.close()
  createDiskFile(path('ours.vmdk'), { format: 'vmdk', subformat: 'differencing', parent: path('base.vmdk') })
  const ours = openDiskFile(path('ours.vmdk'), { writable: true })
  scribble(ours, raw, 2)
  ours.close()
  qemuImg('compare', '-f', 'vmdk', '-F', 'raw', path('ours.vmdk'), raw)
  qemuImg('create', '-f', 'vmdk', '-b', 'ours.vmdk', '-F', 'vmdk', path('theirs.vmdk'))
  qemuWrites(path('theirs.vmdk'), raw, 'vmdk')
  assert.equal(hashOf(path('theirs.vmdk')), hashOf(raw))
  const theirs = openDiskFile(path('theirs.vmdk'), { writable: true })
  scribble(theirs, raw, 3)
  theirs.close()
  qemuImg('compare', '-f', 'vmdk', '-F', 'raw', path('theirs.vmdk'), raw)
})

test('we read the stream-optimized disk of QEMU', (t) => {
  if (missing(t, 'qemu-img')) return
  const raw = rawFile('stream.img')
  const content = openDiskFile(raw, { writable: true })
  scribble(content, rawFile('unused.img'), 5)
  content.close()
  const theirs = join(folder, 'theirs-stream.vmdk')
  qemuImg('convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized', raw, theirs)
  assert.equal(hashOf(theirs), hashOf(raw))
})

for (const type of ['dynamic', 'static'] as const) {
  test(`QEMU and 7-Zip read our ${type} VDI as we do, and QEMU goes on writing it`, (t) => {
    if (missing(t, 'qemu-img')) return
    const raw = rawFile(`${type}-vdi.img`)
    const path = join(folder, `${type}.vdi`)
    const store = openFileStore(path, { create: true })
    createVdi(store, { type, sizeBytes: SIZE })
    store.close()
    const disk = openDiskFile(path, { writable: true })
    scribble(disk, raw, 42)
    disk.close()
    qemuImg('compare', '-f', 'vdi', '-F', 'raw', path, raw)
    qemuImg('check', '-f', 'vdi', path)
    if (!missing(t, '7z')) assert.equal(extractWith7z(path, 'vdi'), hashOf(raw))
    qemuWrites(path, raw, 'vdi')
    assert.equal(hashOf(path), hashOf(raw))
  })

  test(`we read and go on writing the ${type} VDI that QEMU makes`, (t) => {
    if (missing(t, 'qemu-img')) return
    const raw = rawFile(`qemu-${type}-vdi.img`)
    const path = join(folder, `qemu-${type}.vdi`)
    qemuImg('create', '-f', 'vdi', '-o', `static=${type === 'static' ? 'on' : 'off'}`, path, String(SIZE))
    qemuWrites(path, raw, 'vdi')
    assert.equal(hashOf(path), hashOf(raw))
    const disk = openDiskFile(path, { writable: true })
    scribble(disk, raw, 8)
    disk.close()
    qemuImg('compare', '-f', 'vdi', '-F', 'raw', path, raw)
    qemuImg('check', '-f', 'vdi', path)
    assert.deepEqual(inspectDisk(path).problems, [])
  })
}
