import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB, type Problem } from '../base/index.ts'
import { diskFormats } from '../disk/index.ts'
import { createDiskFile, openDiskFile } from '../system/index.ts'
import { catDisk } from './cat.ts'
import { compare } from './compare.ts'
import { type Conversion, convert, convertToStream } from './convert.ts'
import { create, type NewDisk } from './create.ts'
import type { OperationControl } from './operation.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-convert-'))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

function folder(): string {
  const path = join(root, String(++folders))
  mkdirSync(path)
  return path
}

function controlOf(options: Partial<OperationControl> = {}) {
  const notes: Problem[] = []
  const control: OperationControl = {
    signal: new AbortController().signal,
    roots: ['/'],
    progress: () => undefined,
    note: (problem) => notes.push(problem),
    ...options,
  }
  return { control, notes }
}

const SIZE = 8 * MiB + 512

/** child.vhd on base.vhd, with some of both to be seen, and zeroes over the base. */
function chain(at = folder()): { at: string; child: string; content: Uint8Array } {
  const [base, child] = [join(at, 'base.vhd'), join(at, 'child.vhd')]
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: SIZE })
  const below = openDiskFile(base, { writable: true })
  below.write(MiB - 1000, new Uint8Array(2 * MiB).fill(1))
  below.write(SIZE - 512, new Uint8Array(512).fill(2))
  below.close()
  createDiskFile(child, { subformat: 'differencing', parent: base })
  const disk = openDiskFile(child, { writable: true })
  disk.write(2 * MiB + 7, new Uint8Array(70_000).fill(3))
  disk.writeZeroes(MiB, 4096)
  const content = new Uint8Array(SIZE)
  disk.read(0, content)
  disk.close()
  return { at, child, content }
}

function contentOf(path: string): Buffer {
  const disk = openDiskFile(path)
  const content = Buffer.alloc(disk.sizeBytes)
  disk.read(0, content)
  disk.close()
  return content
}

function run(spec: Conversion, options?: Partial<OperationControl>) {
  return convert.run(convert.schema.parse(spec), controlOf(options).control)
}

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(Buffer.from(piece))
  return Buffer.concat(all)
}

const kinds = diskFormats.flatMap(({ name, subformats = [], extensions: [ending = ''] }) =>
  subformats
    .filter((kind) => kind.name !== 'differencing' && kind.name !== 'floppy')
    .map(({ name: subformat, severalFiles = false }) => ({ format: name, subformat, ending, severalFiles })),
)

for (const { format, subformat, ending, severalFiles } of kinds) {
  test(`a chain becomes one ${subformat} ${format}, in files and${severalFiles ? ' not' : ''} in a pipe`, async () => {
    const { at, child, content } = chain()
    const target = join(at, `out${ending}`)
    const made = await run({ source: child, target, subformat, verify: true })
    assert.deepEqual([made.format, made.subformat, made.sourceFiles.length], [format, subformat, 2])
    const shown = contentOf(target)
    assert.ok(shown.subarray(0, SIZE).equals(content))
    assert.ok(shown.subarray(SIZE).every((value) => value === 0))
    assert.ok(made.allocated <= 5 * MiB, `${made.allocated} bytes`)
    for (const file of made.files) assert.ok(statSync(file).isFile())
    // Its grains of one value each are packed.
    if (subformat === 'streamOptimized') assert.ok(statSync(target).size < 128 * 1024)
    const streaming = convertToStream({ source: child, name: `out${ending}`, subformat }, controlOf().control)
    if (severalFiles) return assert.rejects(streaming, { code: 'layout-several-files' })
    const stream = await streaming
    const piped = join(folder(), `piped${ending}`)
    writeFileSync(piped, await bytesOf(stream.pieces()))
    assert.ok(contentOf(piped).equals(shown))
    if (stream.sizeBytes !== undefined) assert.equal(statSync(piped).size, stream.sizeBytes)
    openDiskFile(child, { writable: true }).close()
  })
}

test('a disk that somebody writes to is not copied, and one that is copied is not written to', async () => {
  const { at, child } = chain()
  const writer = openDiskFile(child, { writable: true })
  await assert.rejects(run({ source: child, target: join(at, 'a.vhdx') }), { code: 'disk-in-use' })
  writer.close()
  const stream = await convertToStream({ source: child, name: 'a.vhd' }, controlOf().control)
  assert.throws(() => openDiskFile(join(at, 'base.vhd'), { writable: true }), { code: 'disk-in-use' })
  for await (const _ of stream.pieces()) break
  openDiskFile(join(at, 'base.vhd'), { writable: true }).close()
  assert.deepEqual(readdirSync(at).sort(), ['base.vhd', 'child.vhd'])
})

for (const limit of [0, 0.2, 0.7])
  test(`stopped after ${limit * 100} %, nothing is left`, async () => {
    const { at, child } = chain()
    const stop = new AbortController()
    const spec = { source: child, target: join(at, 'a.vhd'), verify: true }
    const progress = (fraction: number) => fraction > limit && stop.abort()
    const stopping = run(spec, { signal: stop.signal, progress })
    await assert.rejects(stopping, { name: 'AbortError' })
    assert.deepEqual(readdirSync(at).sort(), ['base.vhd', 'child.vhd'])
  })

test('files stay within the roots', async () => {
  const { at, child } = chain()
  const other = folder()
  const outside = { code: 'outside-roots' }
  await assert.rejects(run({ source: child, target: join(other, 'a.vhd') }, { roots: [at] }), outside)
  await assert.rejects(run({ source: child, target: join(other, 'a.vhd') }, { roots: [other] }), outside)
})

test('what is wished for wrongly is refused before anything is made', async () => {
  const { at, child } = chain()
  const refused = (wish: Partial<Conversion>, code: string) =>
    assert.rejects(run({ source: child, target: join(at, 'a.vhd'), ...wish }), { code })
  await refused({ target: child }, 'host-eexist')
  await refused({ target: join(at, 'a.xyz') }, 'format-unknown')
  await refused({ format: 'xyz' }, 'no-such-format')
  await refused({ subformat: 'thin' }, 'subformat-unknown')
  await refused({ profile: 'azure', subformat: 'dynamic' }, 'profile-format')
  await refused({ blockSize: 12345 }, 'vhd-block-size-invalid')
  await refused({ target: join(at, 'none', 'a.vhd') }, 'host-enoent')
  assert.deepEqual(readdirSync(at).sort(), ['base.vhd', 'child.vhd'])
})

test('an ending chooses among what a profile makes, is refused beside it, and told of beside a format', async () => {
  const { at, child } = chain()
  const made = async (name: string, wish: Partial<Conversion>) => {
    const { control, notes } = controlOf()
    const spec = convert.schema.parse({ source: child, target: join(at, name), ...wish })
    const { format } = await convert.run(spec, control)
    return [format, ...notes.map(({ code }) => code)]
  }
  const contradicts = { kind: 'invalid', code: 'ending-contradicts-profile', next: /^Name it a\.vhdx,/ }
  await assert.rejects(made('a.vhd', { profile: 'hyper-v-2' }), contradicts)
  const empty = { sizeBytes: MiB, profile: 'hyper-v-2', path: join(at, 'a.vhd') }
  await assert.rejects(create.run(create.schema.parse(empty), controlOf().control), contradicts)
  assert.deepEqual(readdirSync(at).sort(), ['base.vhd', 'child.vhd'])
  assert.deepEqual(await made('a.vhd', { profile: 'hyper-v-1' }), ['vhd'])
  assert.deepEqual(await made('a.vhdx', { profile: 'hyper-v-1' }), ['vhdx'])
  assert.deepEqual(await made('b', { profile: 'hyper-v-1' }), ['vhdx'])
  assert.deepEqual(await made('b.vhd', { format: 'vhdx' }), ['vhdx', 'ending-of-other-format'])
  assert.deepEqual(await made('c.raw', { format: 'raw' }), ['raw'])
})

test('a profile makes the disk larger, with zeroes, and says so', async () => {
  const { at, child, content } = chain()
  const { control, notes } = controlOf()
  const target = join(at, 'azure.vhd')
  await convert.run(convert.schema.parse({ source: child, target, profile: 'azure' }), control)
  const shown = contentOf(target)
  assert.equal(shown.length, 20 * MiB)
  assert.ok(shown.subarray(0, SIZE).equals(content))
  assert.equal(statSync(target).size, 20 * MiB + 512)
  assert.deepEqual(
    notes.map(({ code }) => code),
    ['size-rounded'],
  )
})

test('compare finds the first byte that differs, and takes a longer rest of zeroes for equal', async () => {
  const { at, child, content } = chain()
  const comparing = (second: string) => {
    const { control, notes } = controlOf()
    return compare.run({ first: child, second }, control).then((result) => ({ ...result, notes }))
  }
  const other = join(at, 'other.img')
  writeFileSync(other, content)
  assert.equal((await comparing(other)).equal, true)
  writeFileSync(other, Buffer.concat([content, new Uint8Array(MiB)]))
  const longer = await comparing(other)
  assert.deepEqual([longer.equal, longer.notes[0]?.code], [true, 'sizes-differ'])
  for (const offset of [0, MiB, 5 * MiB + 3, SIZE - 1, SIZE + MiB - 1]) {
    const changed = Buffer.concat([content, new Uint8Array(MiB)])
    changed[offset] = (changed[offset] ?? 0) ^ 0x40
    writeFileSync(other, changed)
    const found = await comparing(other)
    assert.deepEqual([found.equal, found.offset], [false, offset])
  }
})

test('cat gives any range', async () => {
  const { child, content } = chain()
  for (const [offset, length] of [
    [0, undefined],
    [MiB - 1001, 9000],
    [SIZE - 1, 1],
    [5, 0],
  ] as const) {
    const bytes = await bytesOf(catDisk({ source: child, offset, length }, controlOf().control))
    assert.ok(bytes.equals(content.subarray(offset, length === undefined ? undefined : offset + length)))
  }
  await assert.rejects(bytesOf(catDisk({ source: child, offset: SIZE, length: 1 }, controlOf().control)), {
    code: 'range-outside-disk',
  })
})

test('disks of every format are created, and children of those that have them', async () => {
  const making = (spec: NewDisk) => create.run(create.schema.parse(spec), controlOf().control)
  for (const { format, subformat, ending } of kinds.filter((kind) => kind.subformat !== 'streamOptimized')) {
    const at = folder()
    const report = await making({ path: join(at, `a${ending}`), sizeBytes: 4 * MiB, subformat })
    assert.deepEqual([report.format, report.virtualSize, report.problems], [format, 4 * MiB, []])
    if (!['vhd', 'vhdx', 'vmdk', 'vdi', 'qcow2'].includes(format)) continue
    const child = await making({ path: join(at, `b${ending}`), parent: join(at, `a${ending}`) })
    assert.deepEqual([child.parent?.state, child.virtualSize], ['found', 4 * MiB])
  }
  const at = folder()
  await assert.rejects(making({ path: join(at, 'a.vhd') }), { code: 'invalid-size' })
  await assert.rejects(making({ path: join(at, 'a.img'), parent: join(at, 'a.vhd') }), {
    code: 'host-enoent',
  })
  assert.equal(readdirSync(at).length, 0)
})

test('the copy of an image has the same bytes every time it is piped', async () => {
  const { child } = chain()
  const piped = async () => {
    const stream = await convertToStream({ source: child, name: 'a.img' }, controlOf().control)
    return bytesOf(stream.pieces())
  }
  const [first, second] = [await piped(), await piped()]
  assert.ok(first.equals(second))
  assert.ok(first.equals(contentOf(child)))
})

test('a kind that a disk of its own cannot have is refused, and not among those that are offered', async () => {
  const { at, child } = chain()
  const into = (subformat: string) =>
    convert.run(
      convert.schema.parse({ source: child, target: join(at, 'new.vhd'), subformat }),
      controlOf().control,
    )
  await assert.rejects(into('differencing'), { code: 'differencing-needs-parent' })
  await assert.rejects(into('wavy'), { code: 'subformat-unknown', next: 'There are: dynamic, fixed.' })
  assert.deepEqual(readdirSync(at).toSorted(), ['base.vhd', 'child.vhd'])
})
