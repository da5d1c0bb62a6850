import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { MiB } from '../base/index.ts'
import { createQcow2, type NewBacking } from '../disk/index.ts'
import { create } from '../workshop/create.ts'
import { mergeIntoParent } from '../workshop/merge-into-parent.ts'
import { childrenOf } from './disk-children.ts'
import { createDiskFile } from './disk-create.ts'
import { factsOfFile } from './disk-files.ts'
import { inspectDisk } from './disk-inspect.ts'
import { openDiskFile } from './disks.ts'
import { openFileStore } from './files.ts'

/** Parents that are known by their name alone, and read as what their child says they are. */
const root = mkdtempSync(join(tmpdir(), 'vivarium-backing-'))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

function folder(): string {
  const path = join(root, String(++folders))
  mkdirSync(path)
  return path
}

function createImage(path: string, backing?: NewBacking, sizeBytes = MiB): string {
  const store = openFileStore(path, { create: true })
  createQcow2(store, { sizeBytes, ...(backing && { backing }) })
  store.close()
  return path
}

function fill(path: string, offset: number, value: number): void {
  const disk = openDiskFile(path, { writable: true })
  disk.write(offset, new Uint8Array(4096).fill(value))
  disk.close()
}

function byteAt(path: string, offset: number): number {
  const into = new Uint8Array(1)
  const disk = openDiskFile(path)
  disk.read(offset, into)
  disk.close()
  return into[0]!
}

test('an image may lie over a raw image, a VHD and another of its kind, and is merged into each', async () => {
  for (const format of ['raw', 'vhd', 'qcow2']) {
    const at = folder()
    const base = join(at, `base.${format}`)
    if (format === 'raw') writeFileSync(base, new Uint8Array(MiB))
    else if (format === 'vhd') createDiskFile(base, { subformat: 'dynamic', sizeBytes: MiB })
    else createImage(base)
    fill(base, 0, 1)
    fill(base, 128 << 10, 2)
    const child = createImage(join(at, 'child.qcow2'), { path: `base.${format}`, format })
    fill(child, 130 << 10, 3)
    assert.deepEqual(
      [0, 128, 129, 130, 134].map((kilobyte) => byteAt(child, kilobyte << 10)),
      [1, 2, 2, 3, 0],
    )
    assert.equal(byteAt(base, 130 << 10), 2)
    const report = inspectDisk(child)
    assert.deepEqual(
      [report.parent?.state, report.parent?.format, report.allocated],
      ['found', format, 64 << 10],
    )
    assert.deepEqual(
      report.problems.map(({ code, severity }) => [code, severity]),
      [['parent-by-name', 'note']],
    )
    await mergeIntoParent([child, base])
    assert.deepEqual(
      [0, 128, 129, 130, 134].map((kilobyte) => byteAt(base, kilobyte << 10)),
      [1, 2, 2, 3, 0],
    )
  }
})

test('a raw parent stays raw, whatever its guest wrote into its first sector', async () => {
  const at = folder()
  const secret = join(at, 'secret.img')
  writeFileSync(secret, new Uint8Array(MiB).fill(0x53))
  const forged = createImage(join(at, 'base.img'), { path: 'secret.img', format: 'raw' })
  const child = createImage(join(at, 'child.qcow2'), { path: 'base.img', format: 'raw' })
  assert.equal(byteAt(child, 0), 'Q'.charCodeAt(0))
  assert.equal(inspectDisk(child).chain.length, 1)
  await assert.rejects(mergeIntoParent([child, forged]), { code: 'merge-size-mismatch' })
})

test('a parent whose format is not recorded is taken for what it looks like, with a warning', () => {
  const at = folder()
  writeFileSync(join(at, 'base.bin'), new Uint8Array(MiB).fill(7))
  const child = createImage(join(at, 'child.qcow2'), { path: 'base.bin', format: 'raw' })
  const store = openFileStore(child, { writable: true })
  // The header extension becomes one that nobody knows.
  store.write(112, new Uint8Array([1, 2, 3, 4]))
  store.close()
  assert.equal(byteAt(child, 0), 7)
  assert.equal(inspectDisk(child).problems[0]?.code, 'qcow2-backing-format-missing')
})

test('missing parents, circles and unknown formats are said', () => {
  const at = folder()
  const lost = createImage(join(at, 'lost.qcow2'), { path: '/bases/gone.qcow2', format: 'qcow2' })
  assert.equal(inspectDisk(lost).chain[0]?.state, 'missing')
  assert.throws(() => openDiskFile(lost), {
    kind: 'not-found',
    code: 'parent-missing',
    message: /gone\.qcow2/,
  })
  const self = createImage(join(at, 'self.qcow2'), { path: 'self.qcow2', format: 'qcow2' })
  assert.equal(inspectDisk(self).chain[0]?.state, 'cycle')
  writeFileSync(join(at, 'base.img'), new Uint8Array(MiB))
  const odd = createImage(join(at, 'odd.qcow2'), { path: 'base.img', format: 'bochs' })
  assert.equal(inspectDisk(odd).problems.at(-1)?.code, 'disk-format-unknown')
  const remote = createImage(join(at, 'remote.qcow2'), { path: 'nbd://host/disk', format: 'raw' })
  assert.equal(inspectDisk(remote).problems[0]?.code, 'qcow2-backing-protocol')
  assert.throws(() => openDiskFile(remote), { code: 'parent-missing' })
})

test('an image larger than its parent ends in zeroes, and that is no more than a note', () => {
  const at = folder()
  writeFileSync(join(at, 'base.img'), new Uint8Array(MiB).fill(5))
  const child = createImage(join(at, 'child.qcow2'), { path: 'base.img', format: 'raw' }, 2 * MiB)
  assert.deepEqual([byteAt(child, MiB - 1), byteAt(child, MiB)], [5, 0])
  fill(child, MiB - 2048, 6)
  assert.deepEqual([byteAt(child, MiB - 2049), byteAt(child, MiB), byteAt(child, MiB + 2048)], [5, 6, 0])
  assert.deepEqual(
    inspectDisk(child).problems.map(({ severity }) => severity),
    ['note', 'note'],
  )
})

test('a raw parent is read in the folder of its child, and in folders that a person named; nowhere else', () => {
  const [at, elsewhere] = [folder(), folder()]
  const secret = join(elsewhere, 'secret.txt')
  writeFileSync(secret, 'secret'.padEnd(MiB, ' '))
  symlinkSync(secret, join(at, 'link.img'))
  const refused = (child: string) => {
    const { chain, problems } = inspectDisk(child, { roots: ['/'] })
    const [link] = chain
    const { code, next } = problems.find(({ severity }) => severity === 'error')!
    assert.deepEqual([link?.state, code], ['unreadable', 'parent-raw-elsewhere'])
    assert.ok(next?.includes(`--search ${elsewhere}`), next)
    assert.throws(() => openDiskFile(child), { kind: 'denied', code: 'parent-raw-elsewhere' })
    for (const options of [{ searchFolders: [elsewhere] }, { roots: [at, elsewhere] }]) {
      const disk = openDiskFile(child, options)
      disk.read(0, new Uint8Array(16))
      disk.close()
    }
  }
  refused(createImage(join(at, 'absolute.qcow2'), { path: secret, format: 'raw' }))
  refused(createImage(join(at, 'link.qcow2'), { path: 'link.img', format: 'raw' }))
  const relative = `../${basename(elsewhere)}/secret.txt`
  const unknown = createImage(join(at, 'unknown.qcow2'), { path: relative, format: 'raw' })
  const store = openFileStore(unknown, { writable: true })
  store.write(112, new Uint8Array([1, 2, 3, 4])) // The extension that says the format becomes an unknown one.
  store.close()
  refused(unknown)
})

test('a parent in a format of its own may lie anywhere; a raw one elsewhere is told when its child is made', async () => {
  const [at, elsewhere] = [folder(), folder()]
  const base = createImage(join(elsewhere, 'base.qcow2'))
  assert.equal(byteAt(createImage(join(at, 'over.qcow2'), { path: base, format: 'qcow2' }), 0), 0)
  const raw = join(elsewhere, 'base.img')
  writeFileSync(raw, new Uint8Array(MiB))
  const child = join(at, 'child.vhd')
  const notes: string[] = []
  const control = {
    ...{ signal: new AbortController().signal, roots: ['/'], progress: () => undefined },
    note: ({ code }: { code: string }) => notes.push(code),
  }
  const report = await create.run({ path: child, parent: raw }, control)
  assert.deepEqual([report.parent?.state, notes], ['found', ['parent-raw-elsewhere']])
  assert.deepEqual(childrenOf(raw, factsOfFile(raw), [at]), [child])
})
