import assert from 'node:assert/strict'
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { createDiskFile, openDiskFile } from '../../src/system/index.ts'
import { repair } from '../../src/workshop/index.ts'
import { bin } from './server-process.ts'
import { missing } from './tools.ts'

/** What we repair is read by the tools of others, and a repair that is killed at any moment does no harm. */
const folder = mkdtempSync(join(tmpdir(), 'vivarium-e2e-repair-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const repaired = (spec: { path: string; dryRun?: boolean; takeBack?: boolean }) =>
  repair.run(repair.schema.parse(spec), {
    signal: new AbortController().signal,
    roots: ['/'],
    progress: () => undefined,
    note: () => undefined,
  })

const run = promisify(execFile)
const vivarium = (...args: string[]) => run(process.execPath, [bin, ...args])

const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { encoding: 'utf8' })

function edited(path: string, change: (bytes: Buffer) => Buffer | undefined): void {
  const bytes = readFileSync(path)
  writeFileSync(path, change(bytes) ?? bytes)
}

/** 16 MiB with some data, as QEMU itself writes the format. */
function original(format: string, options: string[] = []): string {
  const raw = join(folder, 'pattern.raw')
  const bytes = Buffer.alloc(16 << 20)
  for (const at of [0, 3 << 20, (9 << 20) + 4096]) bytes.fill(0x40 + (at >> 20), at, at + (1 << 20))
  writeFileSync(raw, bytes)
  const path = join(folder, `original.${format}`)
  qemuImg('convert', '-f', 'raw', '-O', format, ...options, raw, path)
  return path
}

interface Case {
  readonly format: string
  readonly qemu?: string
  readonly options?: string[]
  readonly damage: Record<string, (bytes: Buffer) => Buffer | undefined>
  /** qemu-img knows how to check it. */
  readonly checks: boolean
}

const CASES: readonly Case[] = [
  {
    format: 'vhd',
    qemu: 'vpc',
    options: ['-o', 'force_size=on'],
    checks: false,
    damage: {
      'its footer lost': (bytes) => bytes.subarray(0, -512),
      'its copy of the footer lost': (bytes) => bytes.fill(0, 0, 512),
      'wrong checksums': (bytes) => {
        for (const at of [64, 512 + 36, bytes.length - 512 + 64]) bytes.writeUInt32BE(7, at)
        return bytes
      },
      'its header lost': (bytes) => bytes.fill(0, 512, 1536),
    },
  },
  {
    format: 'qcow2',
    checks: true,
    damage: {
      'refcounts of zero': (bytes) => {
        const block = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(48))))
        return bytes.fill(0, block, block + 8)
      },
      'no refcount table': (bytes) => bytes.fill(0xff, 48, 56),
      'the mark of damage': (bytes) => {
        bytes[79] = 2
        return bytes
      },
    },
  },
  {
    format: 'vhdx',
    checks: true,
    damage: {
      'one header': (bytes) => bytes.fill(0, 65536, 65536 + 100),
      'one region table': (bytes) => bytes.fill(0, 3 * 65536, 3 * 65536 + 100),
    },
  },
  { format: 'vdi', checks: true, damage: { 'a wrong count': (bytes) => bytes.fill(0, 0x184, 0x188) } },
  {
    format: 'vmdk',
    checks: true,
    damage: {
      'a damaged directory': (bytes) => {
        const at = Number(bytes.readBigUInt64LE(56)) * 512
        return bytes.fill(0x7f, at, at + 4)
      },
    },
  },
]

for (const { format, qemu = format, options, damage, checks } of CASES)
  for (const [name, change] of Object.entries(damage))
    test(`QEMU reads the old content of a repaired ${format} that had ${name}`, async (t) => {
      if (missing(t, 'qemu-img')) return
      const whole = original(qemu, options)
      const path = join(folder, `damaged.${format}`)
      copyFileSync(whole, path)
      edited(path, change)
      const damaged = readFileSync(path)
      assert.equal((await repaired({ path, dryRun: true })).outcome, 'planned')
      assert.ok(readFileSync(path).equals(damaged))
      assert.equal((await repaired({ path })).outcome, 'repaired')
      assert.match(qemuImg('compare', '-f', qemu, '-F', qemu, whole, path), /identical/)
      if (checks) assert.match(qemuImg('check', '-f', qemu, path), /No errors were found/)
      assert.equal((await repaired({ path })).outcome, 'nothing')
      await repaired({ path, takeBack: true })
      assert.ok(readFileSync(path).equals(damaged))
      for (const left of readdirSync(folder)) assert.doesNotMatch(left, /repair-(backup|unfinished)/)
    })

test('a log that QEMU would replay is replayed the same', async (t) => {
  if (missing(t, 'qemu-img')) return
  const path = join(folder, 'log.vhdx')
  copyFileSync(original('vhdx'), path)
  const disk = openDiskFile(path, { writable: true })
  disk.write(12 << 20, new Uint8Array(65536).fill(0x99))
  disk.flush()
  const dirty = readFileSync(path)
  disk.close()
  const [ours, theirs] = ['ours.vhdx', 'theirs.vhdx'].map((name) => join(folder, name)) as [string, string]
  for (const copy of [ours, theirs]) writeFileSync(copy, dirty)
  qemuImg('check', '-f', 'vhdx', '-r', 'all', theirs)
  await repaired({ path: ours })
  assert.match(qemuImg('check', '-f', 'vhdx', ours), /No errors/)
  assert.match(qemuImg('compare', ours, theirs), /identical/)
})

test('QEMU and 7-Zip follow a healed chain', async (t) => {
  if (missing(t, 'qemu-img') || missing(t, '7z')) return
  const place = join(folder, 'chain')
  mkdirSync(join(place, 'below'), { recursive: true })
  const base = join(place, 'base.qcow2')
  copyFileSync(original('qcow2'), base)
  const child = join(place, 'child.qcow2')
  qemuImg('create', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', child)
  renameSync(base, join(place, 'below/base.qcow2'))
  assert.notEqual(spawnSync('qemu-img', ['info', '--backing-chain', child]).status, 0)
  await vivarium('disk', 'reparent', child, '--search', place)
  assert.match(qemuImg('compare', child, join(folder, 'original.qcow2')), /identical/)
  assert.match(qemuImg('check', child), /No errors/)

  const [parent, top] = ['old-name.vhd', 'top.vhd'].map((name) => join(place, name)) as [string, string]
  createDiskFile(parent, { subformat: 'dynamic', sizeBytes: 8 << 20 })
  const below = openDiskFile(parent, { writable: true })
  below.write(1 << 20, new Uint8Array(1 << 20).fill(0x61))
  below.close()
  createDiskFile(top, { subformat: 'differencing', parent })
  const above = openDiskFile(top, { writable: true })
  above.write(4096, new Uint8Array(4096).fill(0x62))
  const content = new Uint8Array(8 << 20)
  above.read(0, content)
  above.close()
  renameSync(parent, join(place, 'another name that is much longer than the old one was.vhd'))
  await vivarium('disk', 'reparent', top)
  const out = join(place, 'out')
  execFileSync('7z', ['e', '-y', '-tvhd', `-o${out}`, top], { stdio: 'ignore' })
  assert.ok(readFileSync(join(out, readdirSync(out)[0]!)).equals(Buffer.from(content)))
})

test('the command line: exit codes, what would be done, and what was', async () => {
  const path = join(folder, 'cli.vhd')
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: 64 << 20 })
  edited(path, (bytes) => {
    bytes.writeUInt32BE(0xffff00, 0x600)
    return bytes.subarray(0, -512)
  })
  await assert.rejects(
    vivarium('check', path),
    ({ code, stdout }) => code === 1 && /disk repair/.test(stdout),
  )
  const { stdout } = await vivarium('disk', 'repair', path)
  assert.match(stdout, /! Mark 1 block as absent/)
  assert.match(stdout, /The former bytes are in/)
  assert.match((await vivarium('check', path)).stdout, /No problems found/)
})

test('a disk that may not be written stays as it is in a folder that may be, and nothing stands in its way', async () => {
  const place = mkdtempSync(join(folder, 'protected-'))
  const [base, child] = [join(place, 'base.vhd'), join(place, 'child.vhd')]
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: 8 << 20 })
  createDiskFile(child, { subformat: 'differencing', parent: base })
  const broken = join(place, 'broken.vhd')
  writeFileSync(broken, readFileSync(base).subarray(0, -512))
  const names = readdirSync(place)
  for (const name of names) chmodSync(join(place, name), 0o444)
  chmodSync(folder, 0o755)
  chmodSync(place, 0o777)
  const before = names.map((name) => readFileSync(join(place, name)))
  // Root may write everything that the system keeps, and is refused all the same.
  const users = process.getuid?.() === 0 ? [{}, { uid: 65534, gid: 65534 }] : [{}]
  for (const args of [
    ['repair', broken],
    ['split', child],
    ['merge', child],
    ['compact', broken],
    ['expand', broken, '--size', '16M'],
  ]) {
    for (const user of users) {
      const done = run(process.execPath, [bin, 'disk', ...args], {
        ...user,
        env: { ...process.env, HOME: place },
      })
      await assert.rejects(done, { code: 1, stderr: /protected against writing/ }, args.join(' '))
    }
    assert.deepEqual(readdirSync(place), names, args.join(' '))
  }
  assert.ok(names.every((name, index) => readFileSync(join(place, name)).equals(before[index]!)))
})
