import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { randomBelow } from '../../src/base/testing.ts'
import type { Disk } from '../../src/disk/index.ts'
import { createDiskFile, inspectDisk, openDiskFile } from '../../src/system/index.ts'
import { missing } from './tools.ts'

/**
 * Independent tools read what we write, and we read what they write. QEMU is believed for everything but
 * differencing VHDs, which it opens as if they were complete; for those 7-Zip is asked.
 */
const MiB = 1 << 20
const SIZE = 40 * MiB + 512 * 7 // no multiple of a block or of a cylinder
const folder = mkdtempSync(join(tmpdir(), 'vivarium-oracles-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Writes pieces at odd places, the same to a raw file. */
function scribble(disk: Disk, raw: string, seed: number): void {
  const fd = openSync(raw, 'r+')
  const next = randomBelow(seed)
  for (let count = 0; count < 60; count++) {
    const length = 1 + next(count % 5 === 0 ? 3 * MiB : 9000)
    const at = next(SIZE - length)
    const data = new Uint8Array(length).fill(1 + next(255))
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

for (const subformat of ['fixed', 'dynamic'] as const) {
  test(`QEMU reads our ${subformat} disk as we do, without being told which size to take`, (t) => {
    if (missing(t, 'qemu-img')) return
    const raw = rawFile(`${subformat}.img`)
    const path = join(folder, `${subformat}.vhd`)
    createDiskFile(path, { subformat, sizeBytes: SIZE })
    const disk = openDiskFile(path, { writable: true })
    scribble(disk, raw, 42)
    disk.close()
    qemuImg('compare', '-f', 'vpc', '-F', 'raw', path, raw)
    assert.equal(JSON.parse(qemuImg('info', '-f', 'vpc', '--output=json', path))['virtual-size'], SIZE)
    assert.equal(hashOf(path), hashOf(raw))
  })

  test(`we read and go on writing the ${subformat} disk that QEMU makes`, (t) => {
    if (missing(t, 'qemu-img')) return
    const raw = rawFile(`qemu-${subformat}.img`)
    const first = join(folder, `first-${subformat}.vhd`)
    createDiskFile(first, { subformat: 'dynamic', sizeBytes: SIZE })
    const ours = openDiskFile(first, { writable: true })
    scribble(ours, raw, 7)
    ours.close()
    const path = join(folder, `qemu-${subformat}.vhd`)
    qemuImg('convert', '-f', 'raw', '-O', 'vpc', '-o', `subformat=${subformat},force_size=on`, raw, path)
    assert.equal(hashOf(path), hashOf(raw))
    const disk = openDiskFile(path, { writable: true })
    scribble(disk, raw, 8)
    disk.close()
    qemuImg('compare', '-f', 'vpc', '-F', 'raw', path, raw)
    assert.deepEqual(inspectDisk(path).problems, [])
  })
}

function differencing(): { raw: string; path: string; parent: string } {
  const raw = rawFile('chain.img')
  const parent = join(folder, 'parent.vhd')
  createDiskFile(parent, { subformat: 'dynamic', sizeBytes: SIZE })
  const base = openDiskFile(parent, { writable: true })
  scribble(base, raw, 1)
  base.close()
  const path = join(folder, 'child.vhd')
  createDiskFile(path, { subformat: 'differencing', parent })
  const child = openDiskFile(path, { writable: true })
  scribble(child, raw, 2)
  child.close()
  return { raw, path, parent }
}

test('7-Zip reads our differencing disk over its parent as we do', (t) => {
  if (missing(t, '7z')) return
  const { raw, path } = differencing()
  const out = join(folder, 'seven')
  execFileSync('7z', ['e', '-y', '-tvhd', `-o${out}`, path], { stdio: 'ignore' })
  const name = execFileSync('ls', [out], { encoding: 'utf8' }).trim()
  copyFileSync(join(out, name), join(out, 'content.img'))
  assert.equal(hashOf(join(out, 'content.img')), hashOf(raw))
  rmSync(path)
  rmSync(join(folder, 'parent.vhd'))
})

test('libvhdi describes our disks as we do', (t) => {
  if (missing(t, 'vhdiinfo')) return
  const { path, parent } = differencing()
  const info = execFileSync('vhdiinfo', [path], { encoding: 'utf8' })
  assert.match(info, /Disk type\s*:\s*Differential/)
  assert.match(info, new RegExp(`\\(${SIZE} bytes\\)`))
  assert.match(info, new RegExp(`Identifier\\s*:\\s*${inspectDisk(path).id}`))
  assert.match(info, new RegExp(`Parent identifier\\s*:\\s*${inspectDisk(parent).id}`))
  assert.match(info, /Parent filename\s*:\s*.*parent\.vhd/)
})

const VOLUMES: readonly (readonly [tool: string, args: readonly string[], kind: string, label: string])[] = [
  ['mke2fs', ['-q', '-F', '-t', 'ext2', '-L', 'old'], 'ext2', 'old'],
  ['mke2fs', ['-q', '-F', '-t', 'ext3', '-L', 'journal'], 'ext3', 'journal'],
  ['mke2fs', ['-q', '-F', '-t', 'ext4', '-L', 'new'], 'ext4', 'new'],
  ['mkfs.fat', ['-F', '12', '-n', 'FLOPPY'], 'FAT12', 'FLOPPY'],
  ['mkfs.fat', ['-F', '16', '-n', 'SIXTEEN'], 'FAT16', 'SIXTEEN'],
  ['mkfs.fat', ['-F', '32', '-n', 'THIRTYTWO'], 'FAT32', 'THIRTYTWO'],
  ['mkntfs', ['-q', '-F', '-Q', '-L', 'Größe'], 'NTFS', 'Größe'],
  ['mkswap', ['-L', 'swapspace'], 'swap', 'swapspace'],
]

for (const [tool, args, kind, label] of VOLUMES) {
  test(`a ${kind} volume by ${tool} is recognised with its label`, (t) => {
    if (missing(t, tool)) return
    const raw = join(folder, `${kind}.img`)
    writeFileSync(raw, '')
    truncateSync(raw, kind === 'FAT12' ? 2 * MiB : 64 * MiB)
    execFileSync(tool, [...args, raw], { stdio: 'ignore', env: { ...process.env, LC_ALL: 'C.UTF-8' } })
    const { partitions } = inspectDisk(raw)
    assert.deepEqual([partitions[0]?.fileSystem, partitions[0]?.label], [kind, label])
  })
}
