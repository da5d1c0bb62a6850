import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { convert } from '../../src/workshop/index.ts'
import { bin, newFolder } from './server-process.ts'
import { smallFileSystem } from './small-file-system.ts'
import { missing } from './tools.ts'

/** Conversions as a user starts them; QEMU says whether the content is right. */

const MiB = 1 << 20
const SIZE = 24 * MiB
const folder = mkdtempSync(join(tmpdir(), 'vivarium-convert-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const source = (ending: string) => join(folder, `source.${ending}`)
const run = promisify(execFile)

const vivarium = (...args: string[]) => run(process.execPath, [bin, 'disk', ...args])

interface Kind {
  readonly name: string
  readonly ending: string
  readonly qemu: string
  readonly args: readonly string[]
}

const KINDS: readonly Kind[] = [
  { name: 'raw', ending: 'img', qemu: 'raw', args: [] },
  { name: 'dynamic-vhd', ending: 'vhd', qemu: 'vpc', args: [] },
  { name: 'fixed-vhd', ending: 'vhd', qemu: 'vpc', args: ['--subformat', 'fixed'] },
  { name: 'dynamic-vhdx', ending: 'vhdx', qemu: 'vhdx', args: [] },
  { name: 'fixed-vhdx', ending: 'vhdx', qemu: 'vhdx', args: ['--subformat', 'fixed'] },
  { name: 'sparse-vmdk', ending: 'vmdk', qemu: 'vmdk', args: [] },
  { name: 'flat-vmdk', ending: 'vmdk', qemu: 'vmdk', args: ['--subformat', 'monolithicFlat'] },
  { name: 'split-vmdk', ending: 'vmdk', qemu: 'vmdk', args: ['--subformat', 'twoGbMaxExtentSparse'] },
  { name: 'stream-vmdk', ending: 'vmdk', qemu: 'vmdk', args: ['--subformat', 'streamOptimized'] },
  { name: 'dynamic-vdi', ending: 'vdi', qemu: 'vdi', args: [] },
  { name: 'static-vdi', ending: 'vdi', qemu: 'vdi', args: ['--subformat', 'static'] },
  { name: 'qcow2', ending: 'qcow2', qemu: 'qcow2', args: [] },
]

/** Random bytes at odd places, whole blocks of zeroes between them. */
before(() => {
  const fd = openSync(source('img'), 'w')
  ftruncateSync(fd, SIZE)
  const pieces = [
    [0, 512],
    [MiB - 700, 1400],
    [4 * MiB, 3 * MiB],
    [9 * MiB + 12_345, 70_000],
    [SIZE - 512, 512],
  ] as const
  for (const [at, length] of pieces) writeSync(fd, randomFillSync(new Uint8Array(length)), 0, length, at)
  closeSync(fd)
})

/** In this process: there are many. */
async function converted(from: string, target: string, { args: [, subformat] }: Kind): Promise<void> {
  const control = { signal: new AbortController().signal, roots: ['/'], progress: () => {}, note: () => {} }
  const spec = { source: from, target, ...(subformat !== undefined && { subformat }) }
  await convert.run(convert.schema.parse(spec), control)
}

function requireSame(format: string, path: string): void {
  execFileSync('qemu-img', ['compare', '-f', format, '-F', 'raw', path, source('img')], { stdio: 'pipe' })
}

for (const from of KINDS) {
  test(`from ${from.name} to every kind: QEMU finds the content unchanged`, async (t) => {
    if (missing(t, 'qemu-img')) return
    const at = newFolder(t)
    const first = join(at, `first.${from.ending}`)
    await converted(source('img'), first, from)
    requireSame(from.qemu, first)
    for (const to of KINDS) {
      const target = join(at, `${to.name}.${to.ending}`)
      await converted(first, target, to)
      requireSame(to.qemu, target)
    }
  })
}

test('what QEMU wrote is converted, and what we pipe QEMU reads', async (t) => {
  if (missing(t, 'qemu-img')) return
  const at = newFolder(t)
  for (const { name, ending, qemu, args } of KINDS.filter((kind) => !/flat|split/.test(kind.name))) {
    const [theirs, ours] = [join(at, `theirs.${ending}`), join(at, `${name}.ours.${ending}`)]
    const options = qemu === 'vpc' ? ['-o', 'force_size=on'] : []
    execFileSync('qemu-img', ['convert', '-O', qemu, ...options, source('img'), theirs])
    const format = ending === 'img' ? 'raw' : ending
    const command = `"$0" "$1" disk convert "$2" - --to ${format} ${args.join(' ')} > "$3"`
    await run('bash', ['-c', command, process.execPath, bin, theirs, ours])
    requireSame(qemu, ours)
    const { stdout } = await vivarium('compare', ours, source('img'), '--json')
    assert.equal(JSON.parse(stdout).equal, true)
  }
})

test('cat gives the guest’s bytes, and does not complain when the reader has enough', async (t) => {
  const at = newFolder(t)
  const image = join(at, 'a.vhdx')
  await vivarium('convert', source('img'), image)
  const bash = (command: string) =>
    run('bash', ['-c', `set -o pipefail; ${command}`, process.execPath, bin, image])
  await bash(`"$0" "$1" disk cat "$2" | cmp - ${source('img')}`)
  const { stderr } = await bash('"$0" "$1" disk cat "$2" | head -c 1000 | wc -c')
  assert.doesNotMatch(stderr, /vivarium:/)
  const error = await bash('"$0" "$1" disk cat "$2" --offset 25M').catch(
    (failure: { code: number }) => failure,
  )
  assert.equal('code' in error && error.code, 2)
})

test('disks that differ are told by the exit code', async (t) => {
  const at = newFolder(t)
  const other = join(at, 'b.vhd')
  await vivarium('create', other, '--size', '24M')
  const failure = await vivarium('compare', source('img'), other, '--json').catch((error) => error)
  assert.equal(failure.code, 1)
  assert.equal(JSON.parse(failure.stdout).equal, false)
})

test('killed in the middle there is no target, and the next run sweeps what is left', async (t) => {
  const at = newFolder(t)
  const large = join(at, 'large.img')
  const fd = openSync(large, 'w')
  for (let done = 0; done < 192; done += 8) writeSync(fd, randomFillSync(new Uint8Array(8 * MiB)))
  closeSync(fd)
  const target = join(at, 'large.vhdx')
  const half = () => readdirSync(at).find((name) => name.endsWith('.creating'))
  for (const bytes of [0, 20 * MiB, 100 * MiB]) {
    const child = spawn(process.execPath, [bin, 'disk', 'convert', large, target], { stdio: 'ignore' })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    for (let written = -1; written < bytes && child.exitCode === null; await sleep(1)) {
      const name = half()
      if (name !== undefined) written = statSync(join(at, name), { throwIfNoEntry: false })?.size ?? written
    }
    child.kill('SIGKILL')
    await ended
    if (readdirSync(at).includes('large.vhdx')) rmSync(target)
    else assert.ok(half() !== undefined)
  }
  await vivarium('convert', large, target)
  assert.deepEqual(readdirSync(at).sort(), ['large.img', 'large.vhdx'])
  await vivarium('compare', large, target)
})

/** Runs a command where `at` is a file system of so many MiB, which nobody else sees. */
function onSmallDisk(at: string, megabytes: number, command: string) {
  const script = `mount -t tmpfs -o size=${megabytes}m none "$0" && ${command}`
  return spawnSync('unshare', ['-rm', 'bash', '-c', script, at, process.execPath, bin], { encoding: 'utf8' })
}

test('on a full disk nothing is left, the source stays, and the message says how much is missing', async (t) => {
  const at = newFolder(t)
  if (onSmallDisk(at, 1, 'true').status !== 0)
    return t.skip('no tmpfs can be mounted here: unshare -rm is not allowed')
  const image = source('img')
  const convertTo = (target: string) =>
    onSmallDisk(at, 2, `{ "$1" "$2" disk convert ${image} "$0"/${target}; echo "code $?"; ls -A "$0"; }`)
  const known = convertTo('a.vhdx')
  assert.match(known.stderr, /The image takes \d(\.\d+)? MiB, and .* are free: .* are missing\./)
  assert.match(known.stdout, /^code 1\n$/)
  // How large a compressed image gets, only writing tells.
  const unknown = convertTo('a.vmdk --subformat streamOptimized')
  assert.match(unknown.stderr, /The disk is full\. .* of the image were written\./)
  assert.match(unknown.stdout, /^code 1\n$/)
})

test('standard input that finds no room says how much more may come, and leaves nothing', async (t) => {
  const small = smallFileSystem(t, 8)
  if (small === undefined) return
  const target = join(small, 'new.vhd')
  const { status, stderr } = spawnSync(
    process.execPath,
    [bin, 'disk', 'convert', '-', target, '--from', 'raw', '--size', '16M'],
    { input: new Uint8Array(16 * MiB).fill(1), encoding: 'utf8' },
  )
  assert.equal(status, 1)
  assert.match(
    stderr,
    /new\.vhd: The disk is full\. [\d.]+ MiB had come, and [\d.]+ MiB more may come to be kept/,
  )
  assert.deepEqual(readdirSync(small), [])
})
