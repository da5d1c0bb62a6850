import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, fork, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ByteRange, freeSpaceOf } from '../../src/disk/index.ts'
import { createDiskFile, inspectDisk, openDiskFile } from '../../src/system/index.ts'
import { bin, checkout, newFolder } from './server-process.ts'
import { missing } from './tools.ts'

/**
 * Compacting and expanding, seen by QEMU and by the tools of the file systems; and killed at random moments.
 */
const MiB = 1 << 20

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function vivarium(...args: string[]): ReturnType<typeof JSON.parse> {
  return JSON.parse(run(process.execPath, bin, ...args, '--json'))
}

const EXT_AT = MiB
const EXT_BYTES = 30 * MiB
const DISK_BYTES = 64 * MiB

interface Prepared {
  readonly folder: string
  /** The disk as plain bytes. */
  readonly raw: string
  readonly files: ReadonlyMap<string, Buffer>
  readonly free: readonly ByteRange[]
}

/** A GPT disk with ext4 and FAT, of whose files half are deleted again: their content is still there. */
function prepare(t: TestContext): Prepared {
  const folder = newFolder(t)
  const raw = join(folder, 'disk.img')
  writeFileSync(raw, '')
  truncateSync(raw, DISK_BYTES)
  execFileSync('sfdisk', ['-q', raw], { input: 'label: gpt\nsize=30M, type=L\nsize=20M, type=U\n' })
  const from = join(folder, 'files')
  mkdirSync(from)
  const files = new Map<string, Buffer>()
  for (let index = 0; index < 20; index++) {
    const bytes = randomBytes(20_000 * (index + 1))
    writeFileSync(join(from, `FILE${index}.BIN`), bytes)
    if (index % 2 === 0) files.set(`FILE${index}.BIN`, bytes)
  }
  const ext = volume(folder, 'ext4', EXT_BYTES)
  run('mke2fs', '-q', '-F', '-t', 'ext4', '-d', from, ext)
  const fat = volume(folder, 'fat', 20 * MiB)
  run('mkfs.fat', fat)
  run('mcopy', '-i', fat, ...readdirSync(from).map((name) => join(from, name)), '::')
  for (const name of readdirSync(from).filter((name) => !files.has(name))) {
    run('debugfs', '-w', '-R', `rm ${name}`, ext)
    run('mdel', '-i', fat, `::${name}`)
  }
  spawnSync('e2fsck', ['-fy', ext])
  const fd = openSync(raw, 'r+')
  writeSync(fd, readFileSync(ext), 0, EXT_BYTES, EXT_AT)
  writeSync(fd, readFileSync(fat), 0, 20 * MiB, EXT_AT + EXT_BYTES)
  // Bytes that no file system knows of, behind the partitions and before them.
  writeSync(fd, randomBytes(4096), 0, 4096, 60 * MiB)
  writeSync(fd, randomBytes(4096), 0, 4096, 64 * 512)
  closeSync(fd)
  return { folder, raw, files, free: freeOf(raw) }
}

function volume(folder: string, name: string, sizeBytes: number): string {
  const path = join(folder, name)
  writeFileSync(path, '')
  truncateSync(path, sizeBytes)
  return path
}

function freeOf(path: string): ByteRange[] {
  const disk = openDiskFile(path)
  const free = freeSpaceOf(disk)
  disk.close()
  assert.ok(free.freeBytes > 30 * MiB)
  return [...withDisk(path, (opened) => freeSpaceOf(opened).ranges())]
}

function withDisk(
  path: string,
  ranges: (disk: ReturnType<typeof openDiskFile>) => Iterable<ByteRange>,
): ByteRange[] {
  const disk = openDiskFile(path)
  try {
    return [...ranges(disk)]
  } finally {
    disk.close()
  }
}

/** Equal in all that file systems use, and in all that lies outside of them. */
function assertSame(raw: string, before: string, free: readonly ByteRange[]): void {
  const [now, then] = [readFileSync(raw), readFileSync(before)]
  for (const { offset, length } of free) {
    now.fill(0, offset, offset + length)
    then.fill(0, offset, offset + length)
  }
  assert.ok(now.subarray(0, then.length).equals(then))
}

function assertFiles({ folder, files }: Prepared, raw: string): void {
  const bytes = readFileSync(raw)
  const [ext, fat, out] = [join(folder, 'ext4'), join(folder, 'fat'), join(folder, 'out')]
  writeFileSync(ext, bytes.subarray(EXT_AT, EXT_AT + EXT_BYTES))
  writeFileSync(fat, bytes.subarray(EXT_AT + EXT_BYTES, EXT_AT + EXT_BYTES + 20 * MiB))
  run('e2fsck', '-fn', ext)
  run('fsck.fat', '-n', fat)
  for (const [name, content] of files) {
    run('debugfs', '-R', `dump ${name} ${out}`, ext)
    assert.ok(readFileSync(out).equals(content), name)
    assert.ok(execFileSync('mtype', ['-i', fat, `::${name}`], { maxBuffer: MiB }).equals(content), name)
  }
}

type Format = readonly [extension: string, qemu: string, options: readonly string[], files?: string]

const FORMATS: readonly Format[] = [
  ['vhd', 'vpc', ['-o', 'subformat=dynamic,force_size=on']],
  ['vhdx', 'vhdx', ['-o', 'subformat=dynamic,block_size=1M']],
  ['qcow2', 'qcow2', []],
  ['vdi', 'vdi', []],
  ['vmdk', 'vmdk', []],
  ['vmdk', 'vmdk', ['-o', 'subformat=twoGbMaxExtentSparse'], ' in several files'],
]

/** Of all files of the disk. */
function lengthOf(folder: string, extension: string): number {
  const files = readdirSync(folder).filter(
    (name) => name.startsWith('disk') && name.endsWith(`.${extension}`),
  )
  return files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}

for (const [extension, qemu, options, files = ''] of FORMATS) {
  test(`${extension}${files} made by QEMU: compacted and expanded, QEMU reads what it wrote`, (t) => {
    if (missing(t, 'qemu-img', 'sfdisk', 'mke2fs', 'mkfs.fat', 'mcopy')) return
    const prepared = prepare(t)
    const { folder, raw, free } = prepared
    const path = join(folder, `disk.${extension}`)
    const back = join(folder, 'back.img')
    run('qemu-img', 'convert', '-f', 'raw', '-O', qemu, ...options, '-S', '0', raw, path)
    const before = lengthOf(folder, extension)
    const zeroes = vivarium('disk', 'compact', path, '--zeroes-only')
    run('qemu-img', 'compare', '-f', qemu, '-F', 'raw', path, raw)
    assert.equal(lengthOf(folder, extension), zeroes.after)
    assert.ok(zeroes.after <= before)
    const done = vivarium('disk', 'compact', path)
    assert.equal(lengthOf(folder, extension), done.after)
    // Rubbish of deleted files lies in clusters between those of others: not all of it is whole blocks.
    if (extension !== 'vhd') assert.ok(done.savedByFreeSpace > 0, JSON.stringify(done))
    run('qemu-img', 'convert', '-f', qemu, '-O', 'raw', path, back)
    assertSame(back, raw, free)
    assertFiles(prepared, back)
    const larger = vivarium('disk', 'expand', path, '--size', '96M')
    assert.deepEqual([larger.after, larger.gptMoved], [96 * MiB, true])
    const info = JSON.parse(run('qemu-img', 'info', '-f', qemu, '--output=json', path))
    assert.equal(info['virtual-size'], 96 * MiB)
    run('qemu-img', 'convert', '-f', qemu, '-O', 'raw', path, back)
    assertFiles(prepared, back)
    assert.doesNotMatch(run('sfdisk', '--verify', back), /PMBR|backup|corrupt/i)
    assert.match(run('sfdisk', '-l', '-o', 'Size', back), /30M\n\s*20M/)
    assert.deepEqual(inspectDisk(path).problems, [])
  })
}

test('a raw image and a fixed disk: the host stores less, and every file is there', (t) => {
  if (missing(t, 'qemu-img', 'sfdisk', 'mke2fs', 'mkfs.fat', 'mcopy')) return
  const prepared = prepare(t)
  const { folder, raw, free } = prepared
  const before = join(folder, 'before.img')
  copyFileSync(raw, before)
  const path = join(folder, 'fixed.vhd')
  run('qemu-img', 'convert', '-O', 'vpc', '-o', 'subformat=fixed,force_size=on', '-S', '0', raw, path)
  for (const file of [raw, path]) {
    const { saved, savedByFreeSpace } = vivarium('disk', 'compact', file)
    assert.ok(savedByFreeSpace > MiB && saved >= savedByFreeSpace, `${saved} ${savedByFreeSpace}`)
  }
  const back = join(folder, 'back.img')
  run('qemu-img', 'convert', '-f', 'vpc', '-O', 'raw', path, back)
  for (const file of [raw, back]) {
    assertSame(file, before, free)
    assertFiles(prepared, file)
  }
})

const SMALL_BYTES = 12 * MiB
const RUNS = Number(process.env.VIVARIUM_KILLS ?? 12)

test(`killed at ${RUNS} random moments, the disk always opens with the same content`, async (t) => {
  if (missing(t, 'mke2fs', 'debugfs')) return
  const folder = newFolder(t)
  const at = join(folder, 'crash')
  mkdirSync(at)
  const raw = volume(folder, 'disk.img', SMALL_BYTES)
  const from = join(folder, 'files')
  mkdirSync(from)
  for (let index = 0; index < 6; index++) writeFileSync(join(from, `${index}`), randomBytes(MiB))
  run('mke2fs', '-q', '-F', '-t', 'ext4', '-d', from, raw)
  for (const name of [1, 3, 4]) run('debugfs', '-w', '-R', `rm ${name}`, raw)
  spawnSync('e2fsck', ['-fy', raw])
  const free = withDisk(raw, (disk) => freeSpaceOf(disk).ranges())
  const [master, path, back] = [join(folder, 'master.vhd'), join(at, 'disk.vhd'), join(folder, 'back.img')]
  createDiskFile(master, { subformat: 'dynamic', sizeBytes: SMALL_BYTES, blockSize: 64 << 10 })
  const disk = openDiskFile(master, { writable: true })
  disk.write(0, readFileSync(raw))
  disk.close()
  const specs = [
    ['compact', { path }],
    ['expand', { path, sizeBytes: 2 * SMALL_BYTES }],
  ] as const
  const script = join(folder, 'operation.mjs')
  const workshop = join(checkout, 'src/workshop/index.ts')
  writeFileSync(
    script,
    `const { operationNamed } = await import(${JSON.stringify(workshop)})
     const operation = operationNamed(process.argv[2])
     const spec = operation.schema.parse(JSON.parse(process.argv[3]))
     const control = { signal: new AbortController().signal, roots: ['/'], progress() {}, note() {} }
     process.send('ready')
     await operation.run(spec, control)
     process.send('done')
     process.disconnect()`,
  )
  const start = (name: string, spec: object): ChildProcess =>
    fork(script, [name, JSON.stringify(spec)], { execArgv: ['--disable-warning=ExperimentalWarning'] })
  const whole = new Map<string, number>()
  let killed = 0
  for (let index = 0; index < RUNS + specs.length; index++) {
    const [name, spec] = specs[index % specs.length]!
    copyFileSync(master, path)
    const child = start(name, spec)
    const gone = once(child, 'exit')
    await once(child, 'message')
    const began = performance.now()
    const limit = whole.get(name)
    if (limit !== undefined) {
      await Promise.race([gone, sleep(Math.random() * limit * 1.1)])
      child.kill('SIGKILL')
    }
    const [code] = await gone
    if (limit === undefined) {
      assert.equal(code, 0)
      whole.set(name, performance.now() - began)
    } else if (code === null) killed++
    writeBack(path, back)
    assert.ok([SMALL_BYTES, 2 * SMALL_BYTES].includes(statSync(back).size))
    assertSame(back, raw, name === 'expand' ? [] : free)
    assert.ok(inspectDisk(path).problems.every(({ severity }) => severity !== 'error'))
  }
  t.diagnostic(`${killed} of ${RUNS} were killed before they had ended`)
  assert.ok(killed > RUNS / 4)
  // What the killed ones left is swept away by the next.
  copyFileSync(master, path)
  const last = start('compact', { path })
  await once(last, 'exit')
  assert.deepEqual(readdirSync(at), ['disk.vhd'])
})

function writeBack(path: string, raw: string): void {
  const disk = openDiskFile(path)
  const bytes = new Uint8Array(disk.sizeBytes)
  disk.read(0, bytes)
  disk.close()
  writeFileSync(raw, bytes)
}
