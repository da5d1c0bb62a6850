import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB } from '../base/index.ts'
import { createDiskFile, factsOfFile, inspectDisk, openDiskFile } from '../system/index.ts'
import { catDisk, clone, compact, convert, create, expand, merge, split } from './index.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-clone-'))
after(() => rmSync(root, { recursive: true, force: true }))
const SIZE = 4 * MiB
/** Nobody's number. */
const UNPRIVILEGED = 65534
const folder = () => mkdtempSync(join(root, 'f-'))

const control = (notes: string[] = []) => ({
  signal: new AbortController().signal,
  roots: [root],
  progress: () => undefined,
  note: ({ code }: { code: string }) => notes.push(code),
})

function write(path: string, offset: number, length: number, value: number): void {
  const disk = openDiskFile(path, { writable: true })
  disk.write(offset, new Uint8Array(length).fill(value))
  disk.close()
}

function contentOf(path: string): Buffer {
  const disk = openDiskFile(path)
  const all = Buffer.alloc(disk.sizeBytes)
  disk.read(0, all)
  disk.close()
  return all
}

function newBase(at: string, name: string, subformat = 'dynamic'): string {
  const path = join(at, name)
  const format = name.split('.').at(-1) === 'img' ? 'raw' : name.split('.').at(-1)!
  createDiskFile(path, { format, subformat, sizeBytes: SIZE })
  write(path, MiB, MiB, 3)
  return path
}

for (const [name, child, subformat] of [
  ['base.vhd', 'new.vhd', 'dynamic'],
  ['base.vhdx', 'new.vhdx', 'dynamic'],
  ['base.vmdk', 'new.vmdk', 'monolithicSparse'],
  ['base.vdi', 'new.vdi', 'dynamic'],
  ['base.qcow2', 'new.qcow2', 'v3'],
  ['base.img', 'new.vhd', 'flat'],
  ['base.img', 'new.qcow2', 'flat'],
] as const) {
  test(`a linked clone ${child} of ${name} shows it; split, it shows the same alone`, async () => {
    const at = folder()
    const base = newBase(at, name, subformat)
    const target = join(at, child)
    const notes: string[] = []
    const made = await clone.run({ base, target, full: false, protect: false }, control(notes))
    assert.deepEqual([made.linked, made.subformat, notes], [true, 'differencing', ['clone-base-must-stay']])
    write(target, 2 * MiB, 512, 9)
    const before = contentOf(target)
    assert.equal(before[MiB], 3)
    const { id } = factsOfFile(target)
    const { independentOf } = await split.run({ path: target }, control())
    assert.deepEqual(independentOf, [base])
    rmSync(base)
    assert.deepEqual(contentOf(target), before)
    assert.equal(factsOfFile(target).parent, undefined)
    assert.equal(factsOfFile(target).id, id)
    assert.deepEqual(
      inspectDisk(target).problems.filter(({ severity }) => severity === 'error'),
      [],
    )
  })
}

test('a disk on top of one that was split finds it as before', async () => {
  const at = folder()
  const base = newBase(at, 'base.vhd')
  const [middle, top] = [join(at, 'middle.vhd'), join(at, 'top.vhd')]
  await clone.run({ base, target: middle, full: false, protect: false }, control())
  await clone.run({ base: middle, target: top, full: false, protect: false }, control())
  write(top, 0, 512, 7)
  const before = contentOf(top)
  await split.run({ path: middle }, control())
  rmSync(base)
  assert.deepEqual(contentOf(top), before)
  assert.deepEqual(inspectDisk(top).problems, [])
})

for (const ending of ['vhd', 'vhdx', 'vmdk', 'vdi', 'qcow2'])
  test(`a chain of ${ending} is cut above a disk of it: what lies above stays a chain, and needs that one no more`, async () => {
    const at = folder()
    const base = newBase(at, `base.${ending}`, ending === 'vmdk' ? 'monolithicSparse' : 'dynamic')
    const [low, high, top] = ['low', 'high', 'top'].map((name) => join(at, `${name}.${ending}`)) as [
      string,
      string,
      string,
    ]
    for (const [index, [path, parent]] of (
      [
        [low, base],
        [high, low],
        [top, high],
      ] as const
    ).entries()) {
      await create.run({ path, parent }, control())
      write(path, index * 1024, 512, 7 + index)
    }
    const before = contentOf(top)
    await assert.rejects(split.run({ path: low, at: top }, control()), { code: 'split-not-an-ancestor' })
    await assert.rejects(split.run({ path: top, at: top }, control()), { code: 'split-not-an-ancestor' })
    const done = await split.run({ path: top, at: low }, control())
    assert.deepEqual([done.path, done.independentOf], [high, [low, base]])
    for (const gone of [low, base]) rmSync(gone)
    assert.deepEqual(contentOf(top), before)
    const { chain, problems } = inspectDisk(top)
    assert.deepEqual(
      chain.map(({ path }) => path),
      [high],
    )
    assert.deepEqual(
      problems.filter(({ severity }) => severity !== 'note'),
      [],
    )
  })

test('a full clone has the content and another identity', async () => {
  for (const [name, subformat] of [
    ['base.vhd', 'fixed'],
    ['base.vhdx', 'dynamic'],
    ['base.vdi', 'dynamic'],
  ] as const) {
    const at = folder()
    const base = newBase(at, name, subformat)
    const target = join(at, `copy.${name.split('.').at(-1)}`)
    const made = await clone.run({ base, target, full: true, protect: false }, control())
    assert.deepEqual([made.linked, made.subformat], [false, factsOfFile(base).subformat])
    assert.deepEqual(contentOf(target), contentOf(base))
    assert.notEqual(factsOfFile(target).id, factsOfFile(base).id)
  }
})

test('a protected base loses the right to be written', async () => {
  const at = folder()
  const base = newBase(at, 'base.vhd')
  chmodSync(base, 0o660)
  await clone.run({ base, target: join(at, 'new.vhd'), full: false, protect: true }, control())
  assert.equal(statSync(base).mode & 0o777, 0o440)
  assert.ok(inspectDisk(base).problems.some(({ code }) => code === 'disk-is-a-parent'))
})

test('a protected base is not written by anybody, root neither: clones would lose what they show', async () => {
  const at = folder()
  const base = newBase(at, 'base.vhd')
  const child = join(at, 'new.vhd')
  await clone.run({ base, target: child, full: false, protect: true }, control())
  write(child, 0, MiB, 7)
  const shown = contentOf(child)
  const refused = { kind: 'denied', code: 'disk-write-protected' }
  await assert.rejects(
    async () => merge.run(merge.schema.parse({ child, deleteChild: true }), control()),
    refused,
  )
  assert.throws(() => openDiskFile(base, { writable: true }), refused)
  await assert.rejects(async () => compact.run(compact.schema.parse({ path: base }), control()), refused)
  await assert.rejects(
    async () => expand.run(expand.schema.parse({ path: base, byBytes: MiB }), control()),
    refused,
  )
  assert.deepEqual(readdirSync(at).toSorted(), ['base.vhd', 'new.vhd'])
  assert.deepEqual(contentOf(child), shown)
  chmodSync(base, 0o640)
  await merge.run(merge.schema.parse({ child, deleteChild: true }), control())
  assert.deepEqual(contentOf(base), shown)
})

/** Root may do anything: as another user then. */
async function unprivileged(action: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return action()
  process.seteuid?.(UNPRIVILEGED)
  try {
    await action()
  } finally {
    process.seteuid?.(0)
  }
}

test('a base that may not be protected gets no clone', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root, to make a file of another owner')
  const at = folder()
  const base = newBase(at, 'base.vhd')
  chmodSync(base, 0o664)
  for (const path of [root, at]) chmodSync(path, 0o777)
  const spec = { base, target: join(at, 'new.vhd'), full: false, protect: true }
  await unprivileged(() => assert.rejects(async () => clone.run(spec, control()), { kind: 'denied' }))
  assert.deepEqual(readdirSync(at), ['base.vhd'])
})

test('a base whose clone cannot be made keeps the right to be written', async () => {
  const [at, closed] = [folder(), folder()]
  const base = newBase(at, 'base.vhd')
  chmodSync(base, 0o660)
  for (const path of [root, at]) chmodSync(path, 0o777)
  if (process.getuid?.() === 0) chownSync(base, UNPRIVILEGED, UNPRIVILEGED)
  chmodSync(closed, 0o555)
  const spec = { base, target: join(closed, 'new.vhd'), full: false, protect: true }
  await unprivileged(() =>
    assert.rejects(async () => clone.run(spec, control()), {
      ...{ kind: 'denied', code: 'folder-not-writable' },
      where: { path: closed },
    }),
  )
  assert.equal(statSync(base).mode & 0o777, 0o660)
  assert.deepEqual(readdirSync(closed), [])
})

test('a disk that is split tells that its parent is protected, and gives the right to write back when asked', async () => {
  const at = folder()
  const base = newBase(at, 'base.vhd')
  const children = ['one.vhd', 'two.vhd', 'three.vhd'].map((name) => join(at, name))
  for (const target of children) await clone.run({ base, target, full: false, protect: true }, control())
  const splitOne = async (index: number, unprotect: boolean) => {
    const notes: string[] = []
    const { unprotected } = await split.run({ path: children[index]!, unprotect }, control(notes))
    return { unprotected, notes, writable: (statSync(base).mode & 0o200) !== 0 }
  }
  const told = ['split-parent-protected']
  assert.deepEqual(await splitOne(0, false), { unprotected: false, notes: told, writable: false })
  assert.deepEqual(await splitOne(1, true), { unprotected: false, notes: told, writable: false })
  assert.deepEqual(await splitOne(2, true), { unprotected: true, notes: [], writable: true })
})

test('a base that is written, an undo disk and a disk without a parent are refused', async () => {
  const at = folder()
  const base = newBase(at, 'base.vhd')
  const writer = openDiskFile(base, { writable: true })
  const spec = { base, target: join(at, 'new.vhd'), full: false, protect: false }
  await assert.rejects(clone.run(spec, control()), { code: 'disk-in-use' })
  writer.close()
  await assert.rejects(split.run({ path: base }, control()), { code: 'split-no-parent' })
  const undo = join(at, 'undo.vud')
  createDiskFile(undo, { subformat: 'differencing', parent: base })
  await assert.rejects(split.run({ path: undo }, control()), { code: 'split-undo-disk' })
})

test('a chain becomes a new disk, and stays as it is', async () => {
  const at = folder()
  const base = newBase(at, 'base.vhd')
  const child = join(at, 'child.vhd')
  await clone.run({ base, target: child, full: false, protect: false }, control())
  write(child, 0, 512, 7)
  const out = join(at, 'whole.vhdx')
  await merge.run({ child, out, deleteChild: false, force: false }, control())
  assert.deepEqual(contentOf(out), contentOf(child))
  assert.deepEqual(readdirSync(at).sort(), ['base.vhd', 'child.vhd', 'whole.vhdx'])
})

test('a disk whose parents come back to it, or are gone, is no base', async () => {
  const at = folder()
  const base = newBase(at, 'base.vhd')
  const child = join(at, 'child.vhd')
  const target = join(at, 'new.vhd')
  await create.run({ path: child, parent: base }, control())
  const whole = readFileSync(base)
  copyFileSync(child, base)
  const spec = { base: child, target, full: false, protect: false }
  await assert.rejects(async () => clone.run(spec, control()), { code: 'parent-id-mismatch' })
  const [one, two] = ['one.qcow2', 'two.qcow2'].map((name) => join(at, name)) as [string, string]
  createDiskFile(two, { format: 'qcow2', subformat: 'dynamic', sizeBytes: SIZE })
  await create.run({ path: one, parent: two }, control())
  rmSync(two)
  createDiskFile(two, { format: 'qcow2', subformat: 'differencing', parent: one })
  await assert.rejects(async () => clone.run({ ...spec, base: one }, control()), { code: 'parent-cycle' })
  await assert.rejects(create.run({ path: target, parent: one }, control()), { code: 'parent-cycle' })
  rmSync(base)
  await assert.rejects(async () => clone.run(spec, control()), { code: 'parent-missing' })
  assert.deepEqual(readdirSync(at).sort(), ['child.vhd', 'one.qcow2', 'two.qcow2'])
  writeFileSync(base, whole)
  await clone.run(spec, control())
})

test('a child that cannot say how large its guest counts sectors tells so', async () => {
  const at = folder()
  const parent = join(at, 'base.vhdx')
  createDiskFile(parent, { format: 'vhdx', subformat: 'dynamic', sizeBytes: SIZE, sectorSize: 4096 })
  for (const ending of ['vhd', 'qcow2', 'vhdx']) {
    const [made, cloned]: [string[], string[]] = [[], []]
    await create.run({ path: join(at, `made.${ending}`), parent }, control(made))
    const spec = { base: parent, target: join(at, `cloned.${ending}`), full: false, protect: true }
    await clone.run(spec, control(cloned))
    const wanted = ending === 'vhdx' ? [] : ['sector-size-lost']
    assert.deepEqual([made, cloned], [wanted, wanted])
  }
})

test('an empty file is called so by name, whatever is to be done to it', async () => {
  const at = folder()
  const path = join(at, 'empty.img')
  writeFileSync(path, '')
  const target = join(at, 'new.vhd')
  for (const run of [
    () => convert.run({ source: path, target, verify: false }, control()),
    () => compact.run({ path, dryRun: false, zeroesOnly: false }, control()),
    () => clone.run({ base: path, target, full: false, protect: false }, control()),
    () => clone.run({ base: path, target: join(at, 'new.img'), full: true, protect: false }, control()),
    () => create.run({ path: target, parent: path }, control()),
  ])
    await assert.rejects(async () => run(), { code: 'disk-empty', where: { path } })
  for await (const _ of catDisk({ source: path }, control())) assert.fail('it has no bytes')
  assert.deepEqual(readdirSync(at), ['empty.img'])
})
