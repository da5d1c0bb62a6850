import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { KiB, MiB } from '../base/index.ts'
import type { Disk } from '../disk/index.ts'
import { mergeIntoParent } from '../workshop/merge-into-parent.ts'
import { resolveChain } from './disk-chains.ts'
import { createDiskFile } from './disk-create.ts'
import { inspectDisk } from './disk-inspect.ts'
import { isOpenForWriting } from './disk-locks.ts'
import { openDiskFile, openDiskLayers } from './disks.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-disks-'))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

function folder(): string {
  const path = join(root, String(++folders))
  mkdirSync(path)
  return path
}

function using<Result>(disk: Disk, action: (disk: Disk) => Result): Result {
  try {
    return action(disk)
  } finally {
    disk.close()
  }
}

function fill(path: string, offset: number, length: number, value: number): void {
  using(openDiskFile(path, { writable: true }), (disk) =>
    disk.write(offset, new Uint8Array(length).fill(value)),
  )
}

function byteAt(path: string, offset: number): number {
  const into = new Uint8Array(1)
  using(openDiskFile(path), (disk) => disk.read(offset, into))
  return into[0]!
}

/** base.vhd (1s) <- child.vhd (2s at 1 MiB), in folders of their own. */
function chain(at = folder()): { base: string; child: string; at: string } {
  mkdirSync(join(at, 'bases'))
  mkdirSync(join(at, 'machines'))
  const base = join(at, 'bases', 'Base.vhd')
  const child = join(at, 'machines', 'child.vhd')
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: 8 * MiB })
  fill(base, 0, 4 * MiB, 1)
  createDiskFile(child, { subformat: 'differencing', parent: base })
  fill(child, MiB, 64 * KiB, 2)
  return { base, child, at }
}

test('disks of all three kinds are made, written and read', () => {
  const { base, child } = chain()
  const fixed = join(folder(), 'fixed.vhd')
  createDiskFile(fixed, { subformat: 'fixed', sizeBytes: 3 * MiB })
  fill(fixed, 5, 100, 9)
  assert.deepEqual([byteAt(fixed, 4), byteAt(fixed, 104), byteAt(fixed, 105)], [0, 9, 0])
  assert.deepEqual([byteAt(child, MiB - 1), byteAt(child, MiB), byteAt(child, MiB + 64 * KiB)], [1, 2, 1])
  assert.equal(byteAt(base, MiB), 1)
  assert.equal(inspectDisk(child).allocated, 64 * KiB)
})

test('a failed creation leaves nothing behind, and never replaces a file', () => {
  const at = folder()
  const path = join(at, 'a.vhd')
  assert.throws(() => createDiskFile(path, { subformat: 'dynamic', sizeBytes: 100 }), {
    code: 'vhd-size-invalid',
  })
  assert.throws(() => createDiskFile(path, { subformat: 'fixed', sizeBytes: 2000 * 1024 ** 3 }), {
    code: 'host-enospc',
  })
  assert.throws(() => createDiskFile(path, { subformat: 'differencing' }), { code: 'disk-create-options' })
  assert.throws(() => createDiskFile(join(at, 'no', 'a.vhd'), { subformat: 'dynamic', sizeBytes: MiB }), {
    kind: 'not-found',
  })
  assert.deepEqual(readdirSync(at), [])
  writeFileSync(path, 'mine')
  assert.throws(() => createDiskFile(path, { subformat: 'dynamic', sizeBytes: MiB }), { kind: 'conflict' })
  assert.equal(readFileSync(path, 'utf8'), 'mine')
  assert.deepEqual(readdirSync(at), ['a.vhd'])
})

test('what a killed creation left is swept away by the next', () => {
  const at = folder()
  const hidden = createHash('sha256').update('a.vhd').digest('hex').slice(0, 16)
  writeFileSync(join(at, `.${hidden}.4194399.creating`), 'half')
  createDiskFile(join(at, 'a.vhd'), { subformat: 'dynamic', sizeBytes: MiB })
  assert.deepEqual(readdirSync(at), ['a.vhd'])
})

test('a name may be as long as the file system takes, and a longer one is refused by its own name', () => {
  const at = folder()
  const name = `${'機'.repeat(83)}ab.vhd` // 255 bytes
  createDiskFile(join(at, name), { subformat: 'dynamic', sizeBytes: MiB })
  assert.deepEqual(readdirSync(at), [name])
  for (const [wrong, code] of [
    [`x${name}`, 'host-enametoolong'],
    ['a\0b.vhd', 'host-err-invalid-arg-value'],
  ] as const) {
    const path = join(at, wrong)
    assert.throws(() => createDiskFile(path, { subformat: 'dynamic', sizeBytes: MiB }), {
      kind: 'invalid',
      code,
      where: { path },
    })
  }
  assert.deepEqual(readdirSync(at), [name])
})

test('a parent is found when both moved, when only names are left, and by its id', () => {
  const { at, base } = chain()
  const moved = join(root, 'moved')
  renameSync(at, moved)
  assert.equal(resolveChain(join(moved, 'machines/child.vhd')).links[0]?.foundBy, 'relative')
  // Case differs, as it may after years on Windows.
  renameSync(join(moved, 'bases/Base.vhd'), join(moved, 'bases/BASE.VHD'))
  assert.equal(resolveChain(join(moved, 'machines/child.vhd')).links[0]?.foundBy, 'relative')
  renameSync(join(moved, 'bases/BASE.VHD'), join(moved, 'machines/base.vhd'))
  assert.equal(resolveChain(join(moved, 'machines/child.vhd')).links[0]?.foundBy, 'beside')
  const elsewhere = folder()
  renameSync(join(moved, 'machines/base.vhd'), join(elsewhere, 'renamed.vhd'))
  const missing = resolveChain(join(moved, 'machines/child.vhd'))
  assert.equal(missing.links[0]?.state, 'missing')
  assert.deepEqual(
    missing.problems.map(({ code }) => code),
    ['parent-missing'],
  )
  assert.throws(() => openDiskFile(join(moved, 'machines/child.vhd')), {
    code: 'parent-missing',
    kind: 'not-found',
  })
  const found = resolveChain(join(moved, 'machines/child.vhd'), { searchFolders: [elsewhere] })
  assert.equal(found.links[0]?.foundBy, 'search-id')
  mkdirSync(join(at, 'bases'), { recursive: true })
  renameSync(join(elsewhere, 'renamed.vhd'), base)
  assert.equal(resolveChain(join(moved, 'machines/child.vhd')).links[0]?.foundBy, 'absolute')
})

test('another disk in the parent’s place is never taken for it', () => {
  const { base, child } = chain()
  rmSync(base)
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: 8 * MiB })
  assert.equal(resolveChain(child).links[0]?.state, 'id-mismatch')
  assert.throws(() => openDiskFile(child), { code: 'parent-id-mismatch' })
  assert.throws(() => openDiskLayers({ layers: [child, base], writable: false }), {
    code: 'disk-parent-mismatch',
  })
  const report = inspectDisk(child)
  assert.equal(report.partitionScheme, 'unreadable')
  assert.equal(report.problems.at(-1)?.code, 'parent-id-mismatch')
})

test('a parent that was touched is a warning only', () => {
  const { base, child } = chain()
  const bytes = readFileSync(base)
  for (const at of [0, bytes.length - 512]) {
    const footer = bytes.subarray(at, at + 512)
    footer.writeUInt32BE((footer.readUInt32BE(24) + 10) >>> 0, 24)
    footer.writeUInt32BE(0, 64)
    footer.writeUInt32BE(~footer.reduce((sum, value) => sum + value, 0) >>> 0, 64)
  }
  writeFileSync(base, bytes)
  const { links, problems } = resolveChain(child)
  assert.equal(links[0]?.state, 'time-mismatch')
  assert.deepEqual(
    problems.map(({ severity }) => severity),
    ['warning'],
  )
  assert.equal(byteAt(child, MiB), 2)
})

test('a chain that comes back to itself ends', () => {
  const { base, child } = chain()
  // The child copied over its parent, with the parent's id: each is the other's parent.
  const bytes = readFileSync(child)
  const id = readFileSync(base).subarray(68, 84)
  for (const at of [0, bytes.length - 512]) id.copy(bytes, at + 68)
  writeFileSync(base, bytes)
  const { links, complete } = resolveChain(child)
  assert.deepEqual([links.at(-1)?.state, complete], ['cycle', false])
})

test('parents outside the roots are not opened, whatever way leads there', () => {
  const { at, base, child } = chain()
  const allowed = [join(at, 'machines')]
  const { links, problems } = resolveChain(child, { roots: allowed })
  assert.equal(links[0]?.state, 'missing')
  assert.equal(problems[0]?.code, 'outside-roots')
  assert.ok(resolveChain(child, { roots: [at] }).complete)
  assert.ok(resolveChain(child, { roots: [child, base] }).complete)
  symlinkSync(base, join(at, 'machines', 'Base.vhd'))
  rmSync(join(at, 'bases', 'Base.vhd'), { force: true })
  copyFileSync(child, join(root, 'outside.vhd'))
  symlinkSync(join(root, 'outside.vhd'), join(at, 'machines', 'link.vhd'))
  assert.throws(() => openDiskFile(join(at, 'machines', 'link.vhd'), { roots: allowed }), {
    code: 'outside-roots',
  })
})

test('folders, devices and other files are refused with a reason', () => {
  const at = folder()
  writeFileSync(join(at, 'text.vhd'), 'no disk')
  assert.throws(() => inspectDisk(join(at, 'text.vhd')), { code: 'disk-format-not-recognised' })
  assert.equal(inspectDisk(join(at, 'text.vhd'), { format: 'raw' }).format, 'raw')
  assert.throws(() => inspectDisk(join(at, 'text.vhd'), { format: 'nope' }), { code: 'disk-format-unknown' })
  assert.throws(() => inspectDisk(at), { code: 'not-a-regular-file' })
  assert.throws(() => inspectDisk('/dev/null'), { code: 'not-a-regular-file' })
  assert.throws(() => inspectDisk(join(at, 'none.vhd')), { kind: 'not-found' })
  writeFileSync(join(at, 'split.vhd'), new Uint8Array(2048))
  writeFileSync(join(at, 'split.v01'), new Uint8Array(2048))
  assert.throws(() => inspectDisk(join(at, 'split.vhd')), { code: 'vhd-split-image' })
})

test('raw images are opened by their name only where nothing else fits', () => {
  const at = folder()
  writeFileSync(join(at, 'floppy.img'), new Uint8Array(1_474_560).fill(3))
  assert.equal(inspectDisk(join(at, 'floppy.img')).format, 'raw')
  fill(join(at, 'floppy.img'), 10, 5, 4)
  assert.equal(readFileSync(join(at, 'floppy.img'))[10], 4)
  copyFileSync(chain().base, join(at, 'really-a-vhd.img'))
  assert.equal(inspectDisk(join(at, 'really-a-vhd.img')).format, 'vhd')
})

test('two writers are refused, a writer below a child too; readers are not', () => {
  const { base, child } = chain()
  const writer = openDiskFile(child, { writable: true })
  assert.ok(isOpenForWriting(child))
  assert.ok(!isOpenForWriting(base))
  assert.throws(() => openDiskFile(child, { writable: true }), { kind: 'busy', code: 'disk-in-use' })
  assert.throws(() => openDiskFile(base, { writable: true }), { code: 'disk-in-use' })
  openDiskFile(child).close()
  const second = child.replace('child', 'second')
  createDiskFile(second, { subformat: 'differencing', parent: base })
  openDiskFile(second, { writable: true }).close()
  writer.close()
  assert.ok(!isOpenForWriting(child))
  openDiskFile(base, { writable: true }).close()
})

async function openInChild(path: string): Promise<ChildProcess> {
  const script = join(root, 'open.mjs')
  writeFileSync(
    script,
    `const { openDiskFile } = await import(${JSON.stringify(new URL('./disks.ts', import.meta.url).href)})
     const disk = openDiskFile(process.argv[2], { writable: true })
     disk.write(0, new Uint8Array(512).fill(7))
     disk.flush()
     disk.write(512, new Uint8Array(4096).fill(8))
     process.send('open')
     setInterval(() => disk, 1000)`,
  )
  const child = fork(script, [path], { execArgv: ['--disable-warning=ExperimentalWarning'] })
  await once(child, 'message')
  return child
}

test('another process is seen, and its claim ends with it, even when it is killed', async () => {
  const { base } = chain()
  const child = await openInChild(base)
  assert.ok(isOpenForWriting(base))
  assert.throws(
    () => openDiskFile(base, { writable: true }),
    (error: Error) => error.message.includes(String(child.pid)),
  )
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  assert.ok(!isOpenForWriting(base))
  using(openDiskFile(base, { writable: true }), (disk) => {
    const into = new Uint8Array(512)
    disk.read(0, into)
    assert.equal(into[0], 7)
  })
})

test('a child is merged into its parent; stopped half-way nothing is lost', async () => {
  const { base, child } = chain()
  using(openDiskFile(child, { writable: true }), (disk) => {
    disk.writeZeroes(3 * MiB, MiB)
    disk.write(6 * MiB + 512, new Uint8Array(1536).fill(3))
  })
  const before = contentHash(child)
  const layers = [child, base]
  await assert.rejects(mergeIntoParent(layers, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  assert.equal(contentHash(child), before)
  const fractions: number[] = []
  await mergeIntoParent(layers, { onProgress: (fraction) => fractions.push(fraction) })
  assert.equal(contentHash(base), before)
  assert.equal(contentHash(child), before)
  assert.equal(fractions.at(-1), 1)
  const writer = openDiskFile(child, { writable: true })
  await assert.rejects(mergeIntoParent(layers), { code: 'disk-in-use' })
  writer.close()
  await assert.rejects(mergeIntoParent([base]), { code: 'merge-needs-parent' })
})

function contentHash(path: string): string {
  return using(openDiskFile(path), (disk) => hashOf(disk))
}

function hashOf(disk: Disk): string {
  const hash = createHash('sha256')
  const buffer = new Uint8Array(MiB)
  for (let at = 0; at < disk.sizeBytes; at += MiB) {
    const piece = buffer.subarray(0, Math.min(MiB, disk.sizeBytes - at))
    disk.read(at, piece)
    hash.update(piece)
  }
  return hash.digest('hex')
}

test('a report names the whole chain', () => {
  const { base, child } = chain()
  const report = inspectDisk(child)
  assert.deepEqual(
    [report.subformat, report.virtualSize, report.parent?.path, report.chain.length, report.creator?.product],
    ['differencing', 8 * MiB, base, 1, 'Vivarium'],
  )
  assert.deepEqual(report.problems, [])
})

test('an undo disk on a raw image, which has no id, is held to its name and size', async () => {
  const at = folder()
  const [image, undo] = [join(at, 'minios.img'), join(at, 'undo.vud')]
  writeFileSync(image, Buffer.alloc(2 * MiB, 7))
  createDiskFile(undo, { subformat: 'differencing', parent: image })
  fill(undo, MiB, 512, 9)
  assert.deepEqual([byteAt(undo, MiB), byteAt(undo, 0)], [9, 7])
  assert.equal(readFileSync(image)[MiB], 7)
  await mergeIntoParent([undo, image])
  assert.equal(readFileSync(image)[MiB], 9)
  writeFileSync(image, Buffer.alloc(3 * MiB, 7))
  assert.equal(resolveChain(undo).links[0]?.state, 'id-mismatch')
})

test('a raw disk whose guest wrote the footer of a differencing disk into it stays a raw disk', () => {
  const at = folder()
  const [base, child, forged] = [join(at, 'base.vhd'), join(at, 'child.vhd'), join(at, 'guest.img')]
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: 2 * MiB })
  createDiskFile(child, { subformat: 'differencing', parent: base })
  copyFileSync(child, forged)
  assert.equal(resolveChain(forged).layers[0]?.facts.format, 'raw')
  assert.equal(resolveChain(forged).links.length, 0)
})
