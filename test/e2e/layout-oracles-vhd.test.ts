import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { randomBelow } from '../../src/base/testing.ts'
import {
  type Disk,
  diskFormats,
  type LayoutParent,
  onlyFile,
  openDiskChain,
  readImage,
  sourceOf,
  writeLayout,
} from '../../src/disk/index.ts'
import { openFileStore } from '../../src/system/index.ts'
import { missing } from './tools.ts'

/**
 * What is laid out as a VHD, a VHDX or a raw image, independent tools read back equal. QEMU is no oracle for
 * differencing VHDs, which it takes for complete, and knows no differencing VHDX: those are 7-Zip's.
 */
const MiB = 1 << 20
/** No multiple of a block or of a cylinder; an even number of sectors, because 7-Zip refuses an odd one in a VHDX. */
const SIZE = 37 * MiB + 4096 * 6
const folder = mkdtempSync(join(tmpdir(), 'vivarium-layouts-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Making {
  readonly format: string
  readonly subformat: string
  readonly blockSize?: number
  readonly sectorSize?: number
  readonly parent?: string
}

function make(name: string, disk: Disk, { parent, format, ...options }: Making): string {
  const path = join(folder, name)
  const source = sourceOf(disk, parent === undefined ? {} : { layers: 1 })
  const layout = diskFormats.find((known) => known.name === format)!.layout!(source, {
    ...options,
    name,
    ...(parent !== undefined && { parent: parentOf(parent) }),
  })
  const store = openFileStore(path, { create: true })
  writeLayout(onlyFile(layout), source, store)
  store.close()
  return path
}

function parentOf(name: string): LayoutParent {
  const store = openFileStore(join(folder, name))
  const { facts } = readImage(store)
  store.close()
  return { ...facts, relativePath: `.\\${name}`, absolutePath: join(folder, name) }
}

function open(names: readonly string[], writable = false): Disk {
  const stores = names.map((name, index) =>
    openFileStore(join(folder, name), { writable: writable && index === 0 }),
  )
  return openDiskChain(stores, [], { writable })
}

/** Writes data and zeroes at odd places. */
function scribble(disk: Disk, seed: number): void {
  const next = randomBelow(seed)
  for (let count = 0; count < 40; count++) {
    const length = 1 + next(count % 5 === 0 ? 3 * MiB : 9000)
    disk.write(next(SIZE - length), new Uint8Array(length).fill(count % 4 === 0 ? 0 : 1 + next(255)))
  }
  disk.write(SIZE - 512, new Uint8Array(512).fill(0xee))
}

function hashOf(disk: Disk): string {
  const bytes = new Uint8Array(disk.sizeBytes)
  disk.read(0, bytes)
  return createHash('sha256').update(bytes).digest('hex')
}

/** A disk with content, made once: a VHD child over a VHD. */
let written: readonly string[] | undefined
function content(): Disk {
  if (written === undefined) {
    const empty = openDiskChain([openFileStore(emptyRaw(), {})], [{ format: 'raw' }])
    make('base.vhd', empty, { format: 'vhd', subformat: 'dynamic' })
    const base = open(['base.vhd'], true)
    scribble(base, 1)
    base.close()
    const store = openFileStore(join(folder, 'top.vhd'), { create: true })
    const below = open(['base.vhd'])
    const source = sourceOf(below, { layers: 0 })
    const vhd = diskFormats.find(({ name }) => name === 'vhd')!
    const options = { subformat: 'differencing', name: 'top.vhd', parent: parentOf('base.vhd') }
    writeLayout(onlyFile(vhd.layout!(source, options)), source, store)
    store.close()
    const top = open(['top.vhd', 'base.vhd'], true)
    scribble(top, 2)
    top.close()
    written = ['top.vhd', 'base.vhd']
  }
  return open(written)
}

function emptyRaw(): string {
  const path = join(folder, 'empty.img')
  const store = openFileStore(path, { create: true })
  store.truncate(SIZE)
  store.close()
  return path
}

function qemuImg(...args: string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function sevenZip(name: string): string {
  const out = join(folder, `out-${name}`)
  execFileSync('7z', ['e', '-y', `-o${out}`, join(folder, name)], { stdio: 'ignore' })
  const [file, ...others] = readdirSync(out)
  assert.deepEqual(others, [])
  const hash = createHash('sha256')
    .update(readFileSync(join(out, file!)))
    .digest('hex')
  rmSync(out, { recursive: true })
  return hash
}

const WHOLE: readonly (readonly [name: string, qemu: string, making: Making])[] = [
  ['flat.img', 'raw', { format: 'raw', subformat: 'flat' }],
  ['fixed.vhd', 'vpc', { format: 'vhd', subformat: 'fixed' }],
  ['dynamic.vhd', 'vpc', { format: 'vhd', subformat: 'dynamic' }],
  ['small-blocks.vhd', 'vpc', { format: 'vhd', subformat: 'dynamic', blockSize: MiB / 2 }],
  ['fixed.vhdx', 'vhdx', { format: 'vhdx', subformat: 'fixed' }],
  ['dynamic.vhdx', 'vhdx', { format: 'vhdx', subformat: 'dynamic' }],
  ['small-blocks.vhdx', 'vhdx', { format: 'vhdx', subformat: 'dynamic', blockSize: MiB }],
]

for (const [name, qemu, making] of WHOLE) {
  test(`QEMU and 7-Zip read ${name} as we do`, (t) => {
    if (missing(t, 'qemu-img')) return
    const disk = content()
    const path = make(name, disk, making)
    const expected = hashOf(disk)
    const raw = join(folder, 'out.img')
    qemuImg('convert', '-f', qemu, '-O', 'raw', path, raw)
    assert.equal(createHash('sha256').update(readFileSync(raw)).digest('hex'), expected)
    // Raw images and VHDs have no check of QEMU's.
    if (qemu === 'vhdx') qemuImg('check', '-f', qemu, path)
    const ours = openDiskChain([openFileStore(path)], [{ format: making.format }])
    assert.equal(hashOf(ours), expected)
    if (qemu !== 'raw' && !missing(t, '7z')) assert.equal(sevenZip(name), expected)
    rmSync(path)
  })
}

/** More blocks of 512 KiB than the sector of the old BAT takes. */
const LARGER = 70 * MiB + 4096 * 10

for (const [name, qemu, making] of WHOLE) {
  test(`QEMU and 7-Zip read ${name} as we do when it was made larger in its file`, (t) => {
    if (missing(t, 'qemu-img')) return
    const path = make(name, content(), making)
    const store = openFileStore(path, { writable: true })
    assert.equal(diskFormats.find((known) => known.name === making.format)!.expand!(store, LARGER), true)
    store.close()
    const expected = make('expected.img', content(), { format: 'raw', subformat: 'flat' })
    truncateSync(expected, LARGER)
    qemuImg('compare', '-f', qemu, '-F', 'raw', path, expected)
    assert.equal(JSON.parse(qemuImg('info', '-f', qemu, '--output=json', path))['virtual-size'], LARGER)
    if (qemu === 'vhdx') qemuImg('check', '-f', qemu, path)
    const hash = createHash('sha256').update(readFileSync(expected)).digest('hex')
    if (qemu !== 'raw' && !missing(t, '7z')) assert.equal(sevenZip(name), hash)
    rmSync(path)
    rmSync(expected)
  })
}

test('7-Zip reads a laid-out differencing VHD over its parent as we do', (t) => {
  if (missing(t, '7z')) return
  const disk = content()
  make('child.vhd', disk, { format: 'vhd', subformat: 'differencing', blockSize: MiB, parent: 'base.vhd' })
  assert.equal(hashOf(open(['child.vhd', 'base.vhd'])), hashOf(disk))
  assert.equal(sevenZip('child.vhd'), hashOf(disk))
})

for (const sectorSize of [512, 4096]) {
  test(`7-Zip reads a laid-out VHDX with sectors of ${sectorSize} bytes, and a child of it, as we do`, (t) => {
    if (missing(t, '7z')) return
    const disk = content()
    const options = { format: 'vhdx', blockSize: MiB, sectorSize }
    make(`base-${sectorSize}.vhdx`, open(['base.vhd']), { ...options, subformat: 'dynamic' })
    assert.equal(sevenZip(`base-${sectorSize}.vhdx`), hashOf(open(['base.vhd'])))
    const child = { ...options, subformat: 'differencing', parent: `base-${sectorSize}.vhdx` }
    make(`child-${sectorSize}.vhdx`, disk, child)
    assert.equal(hashOf(open([`child-${sectorSize}.vhdx`, `base-${sectorSize}.vhdx`])), hashOf(disk))
    assert.equal(sevenZip(`child-${sectorSize}.vhdx`), hashOf(disk))
  })
}

test('libvhdi describes laid-out disks as we do', (t) => {
  if (missing(t, 'vhdiinfo')) return
  const disk = content()
  make('info.vhd', disk, { format: 'vhd', subformat: 'differencing', parent: 'base.vhd' })
  make('info-fixed.vhd', disk, { format: 'vhd', subformat: 'fixed' })
  make('info.vhdx', disk, { format: 'vhdx', subformat: 'dynamic' })
  for (const [name, type] of [
    ['info.vhd', 'Differential'],
    ['info-fixed.vhd', 'Fixed'],
    ['info.vhdx', 'Dynamic'],
  ] as const) {
    const info = execFileSync('vhdiinfo', [join(folder, name)], { encoding: 'utf8' })
    assert.match(info, new RegExp(`Disk type\\s*:\\s*${type}`))
    assert.match(info, new RegExp(`\\(${SIZE} bytes\\)`))
  }
})
