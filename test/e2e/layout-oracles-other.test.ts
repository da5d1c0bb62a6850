import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { deflateSync } from 'node:zlib'
import { randomBelow } from '../../src/base/testing.ts'
import {
  type Disk,
  type DiskSource,
  diskFormats,
  type LayoutOptions,
  type LayoutParent,
  sourceOf,
  writeLayout,
} from '../../src/disk/index.ts'
import { inspectDisk, openDiskFile, openFileStore } from '../../src/system/index.ts'
import { missing } from './tools.ts'

/** QEMU and 7-Zip read the QCOW2, VDI and VMDK images that our lists become, and QEMU goes on writing them. */
const MiB = 1 << 20
const SIZE = 40 * MiB + 512 * 7 // no multiple of a grain, a block or a cluster
/** More than one extent of 2047 MiB. */
const SPLIT_SIZE = 2100 * MiB + 512 * 3
const scratch = mkdtempSync(join(tmpdir(), 'vivarium-layout-oracles-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

type Options = Omit<LayoutOptions, 'name'>

interface Case {
  readonly format: string
  readonly options: Options
  readonly sizeBytes?: number
  /** The type as 7-Zip names it, where it reads these. */
  readonly seven?: string
  /** `qemu-img check` knows the format. */
  readonly checked?: boolean
  /** QEMU writes it too. */
  readonly written?: boolean
}

const deflate = (bytes: Uint8Array) => deflateSync(bytes)
const qcow2 = { format: 'qcow2', seven: 'QCOW', checked: true, written: true }
const split = { format: 'vmdk', sizeBytes: SPLIT_SIZE, written: true }
const cases: readonly Case[] = [
  { ...qcow2, options: { subformat: 'dynamic' } },
  { ...qcow2, options: { subformat: 'dynamic', blockSize: 4096 } },
  { ...qcow2, options: { subformat: 'dynamic', blockSize: 2 * MiB } },
  { ...qcow2, options: { subformat: 'dynamic', details: { compat: '0.10' } } },
  { format: 'vdi', seven: 'VDI', checked: true, written: true, options: { subformat: 'dynamic' } },
  { format: 'vdi', seven: 'VDI', checked: true, written: true, options: { subformat: 'static' } },
  { format: 'vmdk', seven: 'VMDK', checked: true, written: true, options: { subformat: 'monolithicSparse' } },
  { format: 'vmdk', written: true, options: { subformat: 'monolithicFlat' } },
  { ...split, options: { subformat: 'twoGbMaxExtentSparse', details: { adapterType: 'lsilogic' } } },
  { ...split, options: { subformat: 'twoGbMaxExtentFlat', details: { adapterType: 'buslogic' } } },
  { format: 'vmdk', seven: 'VMDK', options: { subformat: 'streamOptimized' } },
  { format: 'vmdk', seven: 'VMDK', options: { subformat: 'streamOptimized', deflate } },
]

let folders = 0
function newFolder(): string {
  const path = join(scratch, String(folders++))
  mkdirSync(path)
  return path
}

/** Pieces at odd places, holes between them, and something at both ends. */
function rawDisk(folder: string, sizeBytes: number, seed: number): string {
  const path = join(folder, 'content.raw')
  const fd = openSync(path, 'wx')
  truncateSync(path, sizeBytes)
  const next = randomBelow(seed)
  for (let count = 0; count < 30; count++) {
    const length = 1 + next(count % 5 === 0 ? MiB : 9000)
    const data = new Uint8Array(length).map((_, index) => (index * count) & 0x7f)
    writeSync(fd, data, 0, length, next(sizeBytes - length))
  }
  for (const at of [0, sizeBytes - 512]) writeSync(fd, new Uint8Array(512).fill(0xee), 0, 512, at)
  closeSync(fd)
  return path
}

function write(format: string, source: DiskSource, folder: string, options: Options): string {
  const name = `new.${format}`
  const { files } = diskFormats.find((one) => one.name === format)!.layout!(source, { ...options, name })
  for (const file of files) {
    const store = openFileStore(join(folder, file.name), { create: true })
    writeLayout(file, source, store)
    store.close()
  }
  return join(folder, name)
}

function qemuImg(...args: string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function qemuWrites(path: string, format: string): void {
  const commands = ['write -P 0x31 1000k 300k', 'write -P 0x32 39m 512k', 'write -z 3m 1m']
  execFileSync('qemu-io', ['-f', format, ...commands.flatMap((command) => ['-c', command]), path], {
    stdio: 'ignore',
  })
}

function assertSame(disk: Disk, raw: string): void {
  const other = openDiskFile(raw)
  const [a, b] = [Buffer.alloc(MiB), Buffer.alloc(MiB)]
  assert.equal(disk.sizeBytes, other.sizeBytes)
  for (const { offset, length, kind } of other.extents(0, other.sizeBytes))
    for (let at = offset; kind === 'data' && at < offset + length; at += MiB) {
      const count = Math.min(MiB, offset + length - at)
      disk.read(at, a.subarray(0, count))
      other.read(at, b.subarray(0, count))
      assert.ok(a.subarray(0, count).equals(b.subarray(0, count)), `at ${at}`)
    }
  other.close()
  disk.close()
}

function assertSameIn7z(path: string, type: string, raw: string): void {
  const out = join(newFolder(), 'out')
  execFileSync('7z', ['e', '-y', `-t${type}`, `-o${out}`, path], { stdio: 'ignore' })
  const extracted = readFileSync(join(out, readdirSync(out)[0]!))
  assert.ok(extracted.equals(readFileSync(raw)), '7-Zip reads the same')
}

for (const one of cases) {
  const { format, options, sizeBytes = SIZE, seven } = one
  const { subformat, blockSize = '', details = {} } = options
  const title = [format, subformat, blockSize, ...Object.values(details), options.deflate ? 'packed' : '']
  test(`QEMU and 7-Zip read our ${title.filter(String).join(' ')} image`, (t) => {
    if (missing(t, 'qemu-img')) return
    const folder = newFolder()
    const raw = rawDisk(folder, sizeBytes, 42)
    const disk = openDiskFile(raw)
    const path = write(format, sourceOf(disk), folder, options)
    disk.close()
    qemuImg('compare', '-f', format, '-F', 'raw', path, raw)
    if (one.checked) qemuImg('check', '-f', format, path)
    const info = JSON.parse(qemuImg('info', '-f', format, '--output=json', path))
    assert.equal(info['virtual-size'], sizeBytes)
    const { data = {} } = info['format-specific'] ?? {}
    if (format === 'vmdk') assert.equal(data['create-type'], subformat)
    if (format === 'qcow2') assert.equal(data.compat, details.compat ?? '1.1')
    assert.deepEqual(inspectDisk(path).problems, [])
    const back = join(folder, 'back.raw')
    qemuImg('convert', '-f', format, '-O', 'raw', path, back)
    assertSame(openDiskFile(path), back)
    if (seven !== undefined && !missing(t, '7z')) assertSameIn7z(path, seven, raw)
    if (!one.written) return
    for (const [file, kind] of [
      [path, format],
      [raw, 'raw'],
    ] as const)
      qemuWrites(file, kind)
    if (one.checked) qemuImg('check', '-f', format, path)
    assertSame(openDiskFile(path), raw)
  })
}

/** A parent, and the content of a child on it, with zeroes over the parent's data, in QCOW2 as that can say it. */
function chainIn(folder: string, parentFormat: string): { parent: LayoutParent; child: Disk; raw: string } {
  const raw = rawDisk(folder, SIZE, 7)
  const disk = openDiskFile(raw)
  const subformat = diskFormats.find(({ name }) => name === parentFormat)!.subformats![0]!.name
  const made = write(parentFormat, sourceOf(disk), newFolder(), { subformat })
  disk.close()
  const name = `base.${parentFormat}`
  copyFileSync(made, join(folder, name))
  const { id, virtualSize } = inspectDisk(join(folder, name))
  const other = join(folder, 'other.qcow2')
  const theirs = parentFormat === 'vhd' ? 'vpc' : parentFormat
  qemuImg('create', '-q', '-f', 'qcow2', '-b', name, '-F', theirs, other, String(virtualSize))
  for (const [file, kind] of [
    [other, 'qcow2'],
    [raw, 'raw'],
  ] as const)
    qemuWrites(file, kind)
  const parent = {
    ...(id !== undefined && { id }),
    format: parentFormat,
    sizeBytes: virtualSize,
    relativePath: `.\\${name}`,
    absolutePath: join(folder, name),
  }
  return { parent, child: openDiskFile(other), raw }
}

const children: readonly [format: string, parentFormat: string, options: Partial<Options>][] = [
  ['qcow2', 'raw', {}],
  ['qcow2', 'qcow2', { blockSize: 4096 }],
  ['qcow2', 'vhd', {}],
  ['qcow2', 'qcow2', { details: { compat: '0.10' } }],
  ['vmdk', 'vmdk', {}],
]

for (const [format, parentFormat, options] of children) {
  test(`QEMU reads our ${format} child ${options.details?.compat ?? ''} of a ${parentFormat} image`, (t) => {
    if (missing(t, 'qemu-img')) return
    const folder = newFolder()
    const { parent, child, raw } = chainIn(folder, parentFormat)
    const source = sourceOf(child, { layers: 1 })
    const path = write(format, source, folder, { ...options, subformat: 'differencing', parent })
    child.close()
    qemuImg('compare', '-f', format, '-F', 'raw', path, raw)
    qemuImg('check', '-f', format, path)
    assertSame(openDiskFile(path), raw)
    qemuWrites(path, format)
    qemuImg('check', '-f', format, path)
    assertSame(openDiskFile(path), raw)
  })
}

/** In its file: the L1 table of a QCOW2 image moves, the map of a VDI grows. */
const LARGER = 1280 * MiB

for (const { format, options } of cases.filter((one) => one.checked && one.format !== 'vmdk'))
  test(`QEMU reads and writes our ${format} ${options.subformat} ${options.blockSize ?? ''} ${options.details?.compat ?? ''} image that was made larger`, (t) => {
    if (missing(t, 'qemu-img')) return
    const folder = newFolder()
    const raw = rawDisk(folder, SIZE, 3)
    const disk = openDiskFile(raw)
    const path = write(format, sourceOf(disk), folder, options)
    disk.close()
    const sizeBytes = options.subformat === 'static' ? SIZE + 5 * MiB : LARGER
    const store = openFileStore(path, { writable: true })
    assert.equal(diskFormats.find(({ name }) => name === format)!.expand!(store, sizeBytes), true)
    store.close()
    truncateSync(raw, sizeBytes)
    qemuImg('check', '-f', format, path)
    qemuImg('compare', '-f', format, '-F', 'raw', path, raw)
    for (const [file, kind] of [
      [path, format],
      [raw, 'raw'],
    ] as const)
      execFileSync('qemu-io', ['-f', kind, '-c', `write -P 0x44 ${sizeBytes - 65_536} 65536`, file], {
        stdio: 'ignore',
      })
    qemuImg('check', '-f', format, path)
    assertSame(openDiskFile(path), raw)
  })
