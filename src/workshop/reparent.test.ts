import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { type Problem, viewOf } from '../base/index.ts'
import { journalOf } from '../disk/formats/testing.ts'
import {
  createQcow2,
  createVdi,
  createVhd,
  createVhdx,
  createVmdk,
  planReparent,
  readImage,
} from '../disk/index.ts'
import { type MemoryStore, memoryStore } from '../disk/testing.ts'
import { inspectDisk, openDiskFile } from '../system/index.ts'
import type { OperationControl } from './operation.ts'
import { repair } from './repair.ts'
import { type ReparentResult, reparent } from './reparent.ts'

const folder = mkdtempSync(join(tmpdir(), 'vivarium-reparent-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const SIZE = 4 << 20
const id = (value: number) => new Uint8Array(16).fill(value)

interface Kind {
  readonly base: () => MemoryStore
  /** A child of `old/base.EXT`, absolute and relative. */
  readonly child: (base: MemoryStore) => MemoryStore
}

function made(create: (store: MemoryStore) => void): MemoryStore {
  const store = memoryStore(undefined, 'disk')
  create(store)
  return store
}

const facts = (store: MemoryStore) => readImage(store).facts

const KINDS: Record<string, Kind> = {
  vhd: {
    base: () => made((store) => createVhd(store, { type: 'dynamic', sizeBytes: SIZE, id: id(1) })),
    child: (base) =>
      made((store) =>
        createVhd(store, {
          ...{ type: 'differencing', sizeBytes: SIZE, id: id(2) },
          parent: {
            ...{ id: facts(base).id!, stamp: facts(base).stamp! },
            ...{ absolutePath: '/old/base.vhd', relativePath: '.\\old\\base.vhd' },
          },
        }),
      ),
  },
  vhdx: {
    base: () => made((store) => createVhdx(store, { type: 'dynamic', sizeBytes: SIZE })),
    child: (base) =>
      made((store) =>
        createVhdx(store, {
          ...{ type: 'differencing', sizeBytes: SIZE },
          parent: {
            ...{ id: facts(base).id!, diskId: facts(base).diskId!, sectorSize: 512 },
            ...{ absolutePath: '/old/base.vhdx', relativePath: '.\\old\\base.vhdx' },
          },
        }),
      ),
  },
  qcow2: {
    base: () => made((store) => createQcow2(store, { sizeBytes: SIZE })),
    child: () =>
      made((store) =>
        createQcow2(store, { sizeBytes: SIZE, backing: { path: 'old/base.qcow2', format: 'qcow2' } }),
      ),
  },
  vmdk: {
    base: () =>
      made((store) => createVmdk(store, { subformat: 'monolithicSparse', sizeBytes: SIZE, name: 'b.vmdk' })),
    child: (base) =>
      made((store) =>
        createVmdk(store, {
          ...{ subformat: 'monolithicSparse', sizeBytes: SIZE, name: 'c.vmdk' },
          parent: { id: facts(base).id!, name: 'old/base.vmdk' },
        }),
      ),
  },
}

function control(notes: Problem[] = []): OperationControl {
  return {
    signal: new AbortController().signal,
    roots: [folder],
    progress: () => undefined,
    note: (problem) => notes.push(problem),
  }
}

function healed(
  spec: { child: string; parent?: string; search?: string[]; dryRun?: boolean; force?: boolean },
  notes: Problem[] = [],
): Promise<ReparentResult> {
  return reparent.run(reparent.schema.parse(spec), control(notes))
}

for (const [name, kind] of Object.entries(KINDS)) {
  test(`a ${name} child finds a parent that was moved and renamed, and can be taken back`, async () => {
    const place = mkdtempSync(join(folder, `${name}-`))
    mkdirSync(join(place, 'far/away'), { recursive: true })
    const base = kind.base()
    const far = join(place, 'far/away', `base.${name}`)
    const child = join(place, `child.${name}`)
    writeFileSync(far, base.bytes())
    writeFileSync(child, kind.child(base).bytes())
    const before = readFileSync(child)
    assert.equal(inspectDisk(child).parent?.state, 'missing')
    await assert.rejects(healed({ child }), { code: 'parent-missing' })

    const planned = await healed({ child, search: [place], dryRun: true })
    assert.ok(planned.links[0]!.acts.length > 0)
    assert.ok(readFileSync(child).equals(before))

    const done = await healed({ child, search: [place] })
    assert.deepEqual(
      done.links.map(({ parent }) => parent),
      [far],
    )
    const report = inspectDisk(child)
    assert.deepEqual(
      [report.parent?.state, report.parent?.foundBy, report.parent?.path],
      ['found', 'relative', far],
    )
    openDiskFile(child, { writable: true }).close()
    assert.deepEqual((await healed({ child })).links[0]!.acts, [], 'well already')

    // A longer name, in another folder, given by hand.
    const longer = join(place, `${'a longer name '.repeat(8)}.${name}`)
    renameSync(far, longer)
    await healed({ child, parent: longer })
    assert.equal(inspectDisk(child).parent?.path, longer)
    await repair.run(repair.schema.parse({ path: child, takeBack: true }), control())
    await repair.run(repair.schema.parse({ path: child, takeBack: true }), control())
    assert.ok(readFileSync(child).equals(before))
  })
}

test('a parent with another id or another size is refused; force records it, with a warning', async () => {
  const place = mkdtempSync(join(folder, 'force-'))
  const path = (name: string) => join(place, name)
  const { base, child } = KINDS.vhd!
  writeFileSync(path('child.vhd'), child(base()).bytes())
  writeFileSync(
    path('other.vhd'),
    made((store) => createVhd(store, { type: 'dynamic', sizeBytes: SIZE, id: id(7) })).bytes(),
  )
  writeFileSync(
    path('small.vhd'),
    made((store) => createVhd(store, { type: 'dynamic', sizeBytes: SIZE / 2, id: id(1) })).bytes(),
  )
  utimesSync(path('child.vhd'), new Date('2020-01-01'), new Date('2020-01-01'))
  const spec = { child: path('child.vhd'), parent: path('other.vhd') }
  await assert.rejects(healed(spec), { code: 'reparent-id-mismatch' })
  await assert.rejects(healed({ ...spec, parent: path('small.vhd') }), { code: 'reparent-size-mismatch' })
  await assert.rejects(healed({ child: path('other.vhd') }), { code: 'disk-has-no-parent' })
  await assert.rejects(healed({ child: spec.child, parent: spec.child, force: true }), {
    code: 'parent-cycle',
  })
  const notes: Problem[] = []
  await healed({ ...spec, force: true }, notes)
  assert.deepEqual(
    notes.slice(0, 2).map(({ code }) => code),
    ['reparent-forced', 'parent-newer'],
  )
  assert.equal(inspectDisk(spec.child).parent?.path, path('other.vhd'))
})

test('a whole chain is healed, link by link; of several copies the one by its name is taken', async () => {
  const place = mkdtempSync(join(folder, 'chain-'))
  for (const name of ['1', '2', '3']) mkdirSync(join(place, name))
  const base = KINDS.vhd!.base()
  const middle = KINDS.vhd!.child(base)
  const top = made((store) =>
    createVhd(store, {
      ...{ type: 'differencing', sizeBytes: SIZE, id: id(3) },
      parent: { id: facts(middle).id!, stamp: facts(middle).stamp!, absolutePath: '/old/middle.vhd' },
    }),
  )
  writeFileSync(join(place, '1/top.vhd'), top.bytes())
  writeFileSync(join(place, '2/middle.vhd'), middle.bytes())
  writeFileSync(join(place, '3/base.vhd'), base.bytes())
  writeFileSync(join(place, '3/copy.vhd'), base.bytes())
  const { links } = await healed({ child: join(place, '1/top.vhd'), search: [place] })
  assert.deepEqual(
    links.map(({ parent }) => parent),
    [join(place, '2/middle.vhd'), join(place, '3/base.vhd')],
  )
  assert.ok(inspectDisk(join(place, '1/top.vhd')).chain.every(({ state }) => state === 'found'))
  renameSync(join(place, '3/base.vhd'), join(place, '3/another.vhd'))
  await assert.rejects(healed({ child: join(place, '2/middle.vhd'), search: [place] }), {
    code: 'reparent-several',
  })
})

test('a reparenting that is cut off before its header is written leaves the old names', () => {
  const base = KINDS.vhd!.base()
  const bytes = KINDS.vhd!.child(base).bytes()
  const parent = {
    ...{ id: facts(base).id!, stamp: 5, format: 'vhd', sizeBytes: SIZE },
    ...{ relativePath: '.\\base.vhd', absolutePath: `/${'long'.repeat(200)}/base.vhd` },
  }
  const journal = journalOf(bytes, 'child.vhd')
  planReparent(memoryStore(bytes, 'child.vhd'), 'vhd', parent).perform(journal.store)
  const named = new Set<string>()
  for (let length = 0; length <= journal.length; length++) {
    const crashed = journal.rebuild(length, false, () => 1)
    const { names } = readImage(crashed).facts.parent!
    named.add(names.map(({ text }) => text).join('|'))
    assert.deepEqual(readImage(crashed).survey().problems, [])
  }
  assert.deepEqual(
    [...named].map((text) => text.includes('long')),
    [false, true],
  )
})

test('old kinds of locators are dropped, and the new texts lie where nothing else does', () => {
  const base = KINDS.vhd!.base()
  const child = KINDS.vhd!.child(base)
  const bytes = child.bytes()
  const view = viewOf(bytes)
  for (const [index, code] of ['MacX', 'Wi2k'].entries()) {
    const at = 512 + 576 + (2 + index) * 24
    bytes.set(new TextEncoder().encode(code), at)
    view.setUint32(at + 8, 16)
    view.setUint32(at + 20, 0x600)
  }
  for (const absolutePath of ['/short.vhd', `/${'long'.repeat(200)}/base.vhd`]) {
    const surgery = planReparent(memoryStore(bytes, 'child.vhd'), 'vhd', {
      ...{ id: facts(base).id!, stamp: 5, format: 'vhd', sizeBytes: SIZE },
      ...{ relativePath: '.\\base.vhd', absolutePath },
    })
    const after = memoryStore(surgery.bytesAt(0, surgery.size), 'child.vhd')
    const { parent, problems } = readImage(after).facts
    assert.deepEqual(problems, [])
    assert.equal(parent?.stamp, 5)
    assert.deepEqual(
      parent?.names.map(({ text }) => text),
      [absolutePath, '.\\base.vhd', absolutePath.length > 255 ? 'base.vhd' : absolutePath],
    )
    assert.deepEqual(readImage(after).survey().problems, [])
  }
})

test('a VDI records an id only: its parent is found by that, and another one only by force', async () => {
  const place = mkdtempSync(join(folder, 'vdi-'))
  const base = made((store) => createVdi(store, { type: 'dynamic', sizeBytes: SIZE, id: id(1) }))
  const child = made((store) =>
    createVdi(store, { type: 'differencing', sizeBytes: SIZE, parent: { id: facts(base).id! } }),
  )
  const path = join(place, 'child.vdi')
  writeFileSync(join(place, 'base.vdi'), base.bytes())
  writeFileSync(path, child.bytes())
  assert.deepEqual(
    (await healed({ child: path })).links.map(({ acts }) => acts),
    [[]],
  )
  const other = join(place, 'other.vdi')
  writeFileSync(
    other,
    made((store) => createVdi(store, { type: 'dynamic', sizeBytes: SIZE, id: id(9) })).bytes(),
  )
  await assert.rejects(healed({ child: path, parent: other }), { code: 'reparent-id-mismatch' })
  await healed({ child: path, parent: other, force: true })
  assert.equal(inspectDisk(path).parent?.path, other)
  assert.equal(dirname(other), place)
})
