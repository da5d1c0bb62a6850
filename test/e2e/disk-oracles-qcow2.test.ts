import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { randomBelow } from '../../src/base/testing.ts'
import { createQcow2, type Disk, type NewQcow2 } from '../../src/disk/index.ts'
import { createDiskFile, inspectDisk, openDiskFile, openFileStore } from '../../src/system/index.ts'
import { compact, convert, expand } from '../../src/workshop/index.ts'
import { missing } from './tools.ts'

/** QEMU is the reference of its own format: it checks and reads what we write, and we read what it writes. */
const KiB = 1024
const MiB = 1 << 20
const SIZE = 40 * MiB + 512 * 7 // no multiple of a cluster
const folder = mkdtempSync(join(tmpdir(), 'vivarium-qcow2-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function qemuImg(...args: string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function qemuIo(path: string, ...commands: string[]): void {
  const result = spawnSync(
    'qemu-io',
    ['-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), path],
    {
      encoding: 'utf8',
    },
  )
  assert.doesNotMatch(result.stdout + result.stderr, /failed|error|mismatch/i)
}

/** Exit codes of qemu-img check. */
const SOUND = 0
const LEAKS = 3

/** No corruption and no leaks, refcounts and flags all right. */
function requireSound(path: string): void {
  assert.match(qemuImg('check', '-f', 'qcow2', path), /No errors were found/)
  assert.deepEqual(
    inspectDisk(path).problems.filter(({ code }) => !EXPECTED.has(code)),
    [],
  )
}

const EXPECTED = new Set(['parent-by-name', 'qcow2-has-snapshots', 'parent-size-mismatch'])

function create(name: string, options: Partial<NewQcow2> = {}): string {
  const path = join(folder, name)
  const store = openFileStore(path, { create: true })
  createQcow2(store, { sizeBytes: SIZE, ...options })
  store.close()
  return path
}

function rawFile(name: string): string {
  const path = join(folder, name)
  writeFileSync(path, '')
  truncateSync(path, SIZE)
  return path
}

/** Writes, zeroes and discards at odd places, the same to a raw file. */
function scribble(path: string, raw: string, seed: number): void {
  const disk = openDiskFile(path, { writable: true })
  const fd = openSync(raw, 'r+')
  const next = randomBelow(seed)
  for (let count = 0; count < 80; count++) {
    const length = 1 + next(count % 5 === 0 ? 3 * MiB : 9000)
    const at = count === 0 ? SIZE - length : next(SIZE - length)
    const data = new Uint8Array(length)
    if (next(5) === 0) disk.writeZeroes(at, length)
    else disk.write(at, data.fill(1 + next(255)))
    writeSync(fd, data, 0, length, at)
    if (next(10) === 0) disk.flush()
  }
  disk.close()
  closeSync(fd)
}

function hashOf(path: string, size = SIZE): string {
  const disk = openDiskFile(path)
  const hash = createHash('sha256')
  for (let at = 0; at < size; at += MiB) {
    const piece = new Uint8Array(Math.min(MiB, size - at))
    disk.read(at, piece)
    hash.update(piece)
  }
  disk.close()
  return hash.digest('hex')
}

function requireSame(path: string, raw: string): void {
  qemuImg('compare', '-f', 'qcow2', '-F', 'raw', path, raw)
  assert.equal(hashOf(path), hashOf(raw))
}

const SHAPES: readonly (readonly [name: string, shape: Partial<NewQcow2>, options: string])[] = [
  ['plain', {}, 'compat=1.1'],
  ['old', { version: 2 }, 'compat=0.10'],
  ['tiny', { clusterSize: 512 }, 'cluster_size=512'],
  ['small', { clusterSize: 4 * KiB, refcountBits: 64 }, 'cluster_size=4k,refcount_bits=64'],
  ['large', { clusterSize: 2 * MiB, refcountBits: 1 }, 'cluster_size=2M,refcount_bits=1'],
  ['narrow', { clusterSize: 512, refcountBits: 4 }, 'cluster_size=512,refcount_bits=4'],
]

for (const [name, shape, options] of SHAPES) {
  test(`QEMU finds our ${name} images sound and reads them as we do`, (t) => {
    if (missing(t, 'qemu-img', 'qemu-io')) return
    const raw = rawFile(`${name}.img`)
    const path = create(`${name}.qcow2`, shape)
    assert.match(qemuImg('check', '-f', 'qcow2', path), /No errors/)
    scribble(path, raw, 42)
    requireSound(path)
    requireSame(path, raw)
    scribble(path, raw, 43)
    requireSound(path)
    requireSame(path, raw)
    qemuIo(path, 'write -P 77 1M 3M', 'write -z 5M 1M', 'discard 9M 2M')
    requireSound(path)
    qemuImg('convert', '-f', 'qcow2', '-O', 'raw', path, raw)
    assert.equal(hashOf(path), hashOf(raw))
  })

  test(`we read and go on writing the ${name} images that QEMU makes, compressed ones too`, (t) => {
    if (missing(t, 'qemu-img', 'qemu-io')) return
    const raw = rawFile(`qemu-${name}.img`)
    const first = create(`first-${name}.qcow2`)
    scribble(first, raw, 7)
    for (const [kind, flags] of [
      ['full', []],
      ['compressed', ['-c']],
    ] as const) {
      const now = join(folder, `qemu-${name}-${kind}.img`)
      qemuImg('convert', '-f', 'raw', '-O', 'raw', raw, now)
      const path = join(folder, `qemu-${name}-${kind}.qcow2`)
      qemuImg('convert', ...flags, '-f', 'raw', '-O', 'qcow2', '-o', options, raw, path)
      assert.equal(hashOf(path), hashOf(raw))
      scribble(path, now, 8)
      requireSound(path)
      requireSame(path, now)
    }
  })
}

test('preallocated and lazily counted images of QEMU are written to', (t) => {
  if (missing(t, 'qemu-img', 'qemu-io')) return
  for (const options of ['preallocation=metadata', 'preallocation=falloc', 'lazy_refcounts=on']) {
    const raw = rawFile('allocated.img')
    const path = join(folder, `${options}.qcow2`)
    qemuImg('create', '-q', '-f', 'qcow2', '-o', options, path, String(SIZE))
    scribble(path, raw, 11)
    requireSound(path)
    requireSame(path, raw)
  }
})

test('internal snapshots stay as they were', (t) => {
  if (missing(t, 'qemu-img', 'qemu-io')) return
  for (const options of ['compat=1.1', 'compat=0.10', 'cluster_size=512']) {
    const path = join(folder, `snapshots-${options}.qcow2`)
    const raw = rawFile('now.img')
    qemuImg('create', '-q', '-f', 'qcow2', '-o', options, path, String(SIZE))
    const states: string[] = []
    for (let round = 0; round < 3; round++) {
      scribble(path, raw, 20 + round)
      requireSound(path)
      requireSame(path, raw)
      states.push(hashOf(raw))
      qemuImg('snapshot', '-c', `state${round}`, path)
      requireSound(path)
    }
    scribble(path, raw, 30)
    qemuImg('snapshot', '-d', 'state1', path)
    scribble(path, raw, 31)
    requireSound(path)
    requireSame(path, raw)
    assert.equal(inspectDisk(path).problems[0]?.code, 'qcow2-has-snapshots')
    for (const round of [0, 2]) {
      qemuImg('snapshot', '-a', `state${round}`, path)
      assert.equal(hashOf(path), states[round])
    }
  }
})

test('backing files of several formats, below our images and below those of QEMU', (t) => {
  if (missing(t, 'qemu-img', 'qemu-io')) return
  const vhd = join(folder, 'base.vhd')
  createDiskFile(vhd, { subformat: 'dynamic', sizeBytes: SIZE })
  const bases = [
    ['raw', 'raw', rawFile('base.img')],
    ['qcow2', 'qcow2', create('base.qcow2')],
    ['vhd', 'vpc', vhd],
  ] as const
  for (const [format, qemuFormat, base] of bases) {
    const raw = rawFile('below.img')
    scribble(base, raw, 50)
    const before = hashOf(base)
    const ours = create(`over-${format}.qcow2`, { backing: { path: base, format } })
    const theirs = join(folder, `qemu-over-${format}.qcow2`)
    qemuImg('create', '-q', '-f', 'qcow2', '-b', base, '-F', qemuFormat, theirs)
    for (const path of [ours, theirs]) {
      const now = join(folder, 'now.img')
      qemuImg('convert', '-f', 'raw', '-O', 'raw', raw, now)
      // QEMU gives a VHD of another program's the size of its geometry; the image is smaller then.
      if (inspectDisk(path).virtualSize !== SIZE) continue
      assert.equal(hashOf(path), hashOf(now))
      scribble(path, now, 51)
      requireSound(path)
      assert.equal(hashOf(path), hashOf(now))
      qemuIo(path, 'write -P 9 3M 70000')
      if (format !== 'vhd') {
        qemuImg('convert', '-f', 'qcow2', '-O', 'raw', path, now)
        assert.equal(hashOf(path), hashOf(now))
      }
      assert.equal(hashOf(base), before, 'the base is not touched')
    }
  }
})

test('an image larger than its backing file ends in zeroes', (t) => {
  if (missing(t, 'qemu-img', 'qemu-io')) return
  const base = rawFile('shorter.img')
  truncateSync(base, 3 * MiB + 512)
  const path = join(folder, 'longer.qcow2')
  qemuImg('create', '-q', '-f', 'qcow2', '-b', 'shorter.img', '-F', 'raw', path, String(SIZE))
  qemuIo(path, 'write -P 5 3M 1k')
  const disk = openDiskFile(path, { writable: true })
  disk.write(3 * MiB + 1024, new Uint8Array(512).fill(6))
  disk.write(7 * MiB, new Uint8Array(512).fill(7))
  disk.close()
  requireSound(path)
  const raw = join(folder, 'longer.img')
  qemuImg('convert', '-f', 'qcow2', '-O', 'raw', path, raw)
  assert.equal(hashOf(path), hashOf(raw))
})

test('what cannot be done is refused by name', (t) => {
  if (missing(t, 'qemu-img', 'qemu-io')) return
  const refused = [
    ['extended_l2=on', 'qcow2-extended-l2'],
    // Not LUKS: QEMU times its key derivation, and gives up on a busy computer.
    ['encrypt.format=aes,encrypt.key-secret=s', 'qcow2-encrypted'],
    [`data_file=${join(folder, 'outside.img')}`, 'qcow2-external-data'],
  ] as const
  for (const [options, code] of refused) {
    const path = join(folder, `${code}.qcow2`)
    const secret = ['--object', 'secret,id=s,data=abc']
    qemuImg('create', '-q', ...secret, '-f', 'qcow2', '-o', options, path, '1M')
    assert.throws(() => openDiskFile(path), { kind: 'unsupported', code })
  }
  const raw = rawFile('zstd.img')
  truncateSync(raw, MiB)
  const path = join(folder, 'zstd.qcow2')
  qemuIo(create('any.qcow2'), 'write -P 1 0 1M')
  qemuImg(
    'convert',
    '-c',
    '-f',
    'qcow2',
    '-O',
    'qcow2',
    '-o',
    'compression_type=zstd',
    join(folder, 'any.qcow2'),
    path,
  )
  assert.throws(() => hashOf(path), { kind: 'unsupported', code: 'qcow2-compression' })
})

test('dirty bitmaps are marked as out of date before anything is written', (t) => {
  if (missing(t, 'qemu-img', 'qemu-io')) return
  const path = create('bitmap.qcow2')
  qemuImg('bitmap', '--add', '-f', 'qcow2', path, 'changes')
  const flags = () =>
    JSON.parse(qemuImg('info', '--output=json', path))['format-specific'].data.bitmaps[0].flags
  assert.deepEqual(flags(), ['auto'])
  assert.match(bitmapNote(path), /1 persistent bitmap, by which backup programs know what changed\.$/)
  const disk = openDiskFile(path, { writable: true })
  disk.write(0, new Uint8Array(512).fill(1))
  disk.close()
  // The clusters of the bitmap, which QEMU no longer believes, count as leaked.
  assert.equal(spawnSync('qemu-img', ['check', '-f', 'qcow2', path]).status, LEAKS)
  assert.deepEqual(
    JSON.parse(qemuImg('info', '--output=json', path))['format-specific'].data.bitmaps ?? [],
    [],
  )
  assert.match(bitmapNote(path), /QEMU does not trust them any more\.$/)
})

test('whatever writes an image with dirty bitmaps anew, or changes it, says that they do not survive', async (t) => {
  if (missing(t, 'qemu-img', 'qemu-io')) return
  const notes: string[] = []
  const control = {
    signal: new AbortController().signal,
    roots: [folder],
    progress: () => undefined,
    note: ({ code }: { code: string }) => notes.push(code),
  }
  const bitmapped = (name: string) => {
    const path = create(name)
    const disk = openDiskFile(path, { writable: true })
    disk.write(0, new Uint8Array(MiB).fill(1))
    disk.writeZeroes(0, MiB)
    disk.close()
    for (const bitmap of ['monday', 'tuesday']) qemuImg('bitmap', '--add', '-f', 'qcow2', path, bitmap)
    return path
  }
  const told = async (work: () => unknown) => {
    notes.length = 0
    await work()
    return notes.filter((code) => code === 'qcow2-has-bitmaps').length
  }
  const [path, other] = [bitmapped('bitmaps.qcow2'), join(folder, 'without-bitmaps.qcow2')]
  assert.match(bitmapNote(path), /2 persistent bitmaps/)
  assert.equal(await told(() => convert.run({ source: path, target: other, verify: false }, control)), 1)
  requireSound(other)
  assert.equal(await told(() => compact.run({ path, zeroesOnly: true, dryRun: false }, control)), 1)
  // Nothing of them is left over in the new file.
  requireSound(path)
  assert.equal(bitmapNote(path), '')
  const grown = bitmapped('grown.qcow2')
  assert.equal(await told(() => expand.run({ path: grown, byBytes: MiB }, control)), 1)
  assert.match(bitmapNote(grown), /QEMU does not trust them any more/)
})

function bitmapNote(path: string): string {
  return inspectDisk(path).problems.find(({ code }) => code === 'qcow2-has-bitmaps')?.message ?? ''
}

test('an image that QEMU left dirty can be read, and not written to', (t) => {
  if (missing(t, 'qemu-img', 'qemu-io')) return
  const path = join(folder, 'dirty.qcow2')
  qemuImg('create', '-q', '-f', 'qcow2', '-o', 'lazy_refcounts=on', path, '1M')
  spawnSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 3 0 64k', '-c', 'flush', '-c', 'abort', path], {
    stdio: 'ignore',
  })
  const into = new Uint8Array(1)
  const disk: Disk = openDiskFile(path)
  disk.read(0, into)
  disk.close()
  assert.equal(into[0], 3)
  assert.equal(inspectDisk(path).problems[0]?.code, 'qcow2-marked-dirty')
  assert.throws(() => openDiskFile(path, { writable: true }), { code: 'qcow2-marked-dirty' })
})

/** Writes for ever, and says after each flush how far it got. */
const WRITER = `
import { openDiskFile } from ${JSON.stringify(join(import.meta.dirname, '../../src/system/index.ts'))}
const disk = openDiskFile(process.argv[1], { writable: true })
for (let round = 1; ; round++) {
  for (let piece = 0; piece < 8; piece++) {
    const at = ((round * 8 + piece) * 7919 * 512) % (${SIZE} - 8192)
    disk.write(at - (at % 512), new Uint8Array(512 * (1 + (round + piece) % 16)).fill(round))
  }
  disk.write(0, new Uint8Array(new Uint32Array(128).fill(round).buffer))
  disk.flush()
  console.log(round)
}
`

async function killedAfter(path: string, rounds: number): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', WRITER, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let last = 0
  for await (const line of createInterface({ input: child.stdout! })) {
    last = Number(line)
    if (last >= rounds) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return last
}

test('a process killed while it writes leaves a sound image: leaks at most, and nothing confirmed is lost', async (t) => {
  if (missing(t, 'qemu-img', 'qemu-io')) return
  for (const clusterSize of [512, 64 * KiB]) {
    const path = create(`killed-${clusterSize}.qcow2`, { clusterSize })
    for (const rounds of [1, 3, 7, 15]) {
      const confirmed = await killedAfter(path, rounds)
      assert.ok([SOUND, LEAKS].includes(spawnSync('qemu-img', ['check', '-f', 'qcow2', path]).status!))
      const disk = openDiskFile(path)
      const into = new Uint8Array(512)
      disk.read(0, into)
      disk.close()
      const found = new DataView(into.buffer).getUint32(0, true)
      assert.ok(found >= confirmed, `${found} after ${confirmed}`)
    }
  }
})
