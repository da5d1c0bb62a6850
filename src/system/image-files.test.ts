import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
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
import fc from 'fast-check'
import { MiB } from '../base/index.ts'
import { cases } from '../base/testing.ts'
import type { DiskSource, ImageLayout, Segment } from '../disk/index.ts'
import { emptySource, openDisk, sourceOf } from '../disk/index.ts'
import { memoryStore } from '../disk/testing.ts'
import { writeImageFiles, writeImageFilesNow } from './image-files.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-image-files-'))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

function folder(): string {
  const path = join(root, String(++folders))
  mkdirSync(path)
  return path
}

/** A disk in memory that is never twice the same, with long and short runs of zeroes. */
function patterned(sizeBytes: number): { source: DiskSource; content: Uint8Array } {
  const content = new Uint8Array(sizeBytes).map((_, at) => ((at >>> 12) % 5 < 2 ? 0 : 1 + ((at * 7) % 255)))
  content.fill(0, MiB, 2 * MiB)
  return { content, source: sourceOf(openDisk(memoryStore(content), { format: 'raw', allowRaw: true })) }
}

function layoutOf(segments: readonly Segment[], name = 'image'): ImageLayout {
  const sizeBytes = segments.reduce((sum, segment) => sum + lengthOf(segment), 0)
  return { files: [{ name, sizeBytes, segments: () => segments }] }
}

function lengthOf(segment: Segment): number {
  return segment.kind === 'bytes' ? segment.bytes.length : segment.length
}

function contentOf(segments: readonly Segment[], disk: Uint8Array): Buffer {
  return Buffer.concat(
    segments.map((segment) => {
      if (segment.kind === 'bytes') return segment.bytes
      if (segment.kind === 'zero') return new Uint8Array(segment.length)
      return disk.subarray(segment.offset, segment.offset + segment.length)
    }),
  )
}

test('a file holds what its list says, whatever the pieces', () => {
  const { source, content } = patterned(4 * MiB)
  const length = fc.oneof(fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 0, max: 1_500_000 }))
  const segment: fc.Arbitrary<Segment> = fc.oneof(
    length.map((count): Segment => ({ kind: 'zero', length: count })),
    fc
      .tuple(length, fc.nat(255))
      .map(([count, value]): Segment => ({ kind: 'bytes', bytes: new Uint8Array(count).fill(value) })),
    fc
      .tuple(length, fc.nat(2 * MiB))
      .map(([count, offset]): Segment => ({ kind: 'guest', offset, length: count })),
  )
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 12 }), (segments) => {
      const at = folder()
      writeImageFilesNow(at, layoutOf(segments), source)
      assert.ok(readFileSync(join(at, 'image')).equals(contentOf(segments, content)))
      rmSync(at, { recursive: true })
    }),
    { numRuns: cases(12, 60) },
  )
})

test('zeroes are holes, those that the list knows and those that are found', () => {
  const at = folder()
  const { source, content } = patterned(4 * MiB)
  writeImageFilesNow(
    at,
    layoutOf([
      { kind: 'guest', offset: 0, length: 4 * MiB },
      { kind: 'zero', length: 64 * MiB },
    ]),
    source,
  )
  const { size, blocks } = statSync(join(at, 'image'))
  assert.equal(size, 68 * MiB)
  assert.ok(blocks * 512 <= 3 * MiB + 128 * 1024, `${blocks * 512} bytes`)
  assert.equal(hash(readFileSync(join(at, 'image')).subarray(0, 4 * MiB)), hash(content))
})

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

test('only what the source stores has to fit: a large range of which little is stored takes little', () => {
  const at = folder()
  const layout = layoutOf([{ kind: 'guest', offset: 0, length: 2 ** 43 }])
  writeImageFilesNow(at, layout, emptySource(2 ** 43))
  const { size, blocks } = statSync(join(at, 'image'))
  assert.deepEqual([size, blocks], [2 ** 43, 0])
  rmSync(at, { recursive: true })
})

test('nothing is left when it is stopped in the middle', () => {
  const at = folder()
  const { source } = patterned(4 * MiB)
  const layout = layoutOf([{ kind: 'guest', offset: 0, length: 4 * MiB }])
  for (const { doneBytes, totalBytes } of writeImageFiles(at, layout, source)) {
    assert.ok(doneBytes <= (totalBytes ?? 0))
    assert.equal(readdirSync(at).length, 1)
    if (doneBytes > MiB) break
  }
  assert.deepEqual(readdirSync(at), [])
})

test('a file that is there is never replaced, unless that is asked for; then it keeps its permissions', () => {
  const at = folder()
  const path = join(at, 'image')
  writeFileSync(path, 'old', { mode: 0o640 })
  const layout = layoutOf([{ kind: 'bytes', bytes: Buffer.from('new') }])
  assert.throws(() => writeImageFilesNow(at, layout, emptySource(512)), { code: 'host-eexist' })
  assert.equal(readFileSync(path, 'utf8'), 'old')
  writeImageFilesNow(at, layout, emptySource(512), { replace: 'each' })
  assert.equal(readFileSync(path, 'utf8'), 'new')
  assert.equal(statSync(path).mode & 0o777, 0o640)
  assert.deepEqual(readdirSync(at), ['image'])
})

test('several files appear together or not at all', () => {
  const at = folder()
  const files = ['a-s001', 'a-s002', 'a'].map((name) => ({
    ...layoutOf([{ kind: 'bytes', bytes: Buffer.from(name) }], name).files[0]!,
  }))
  writeFileSync(join(at, 'a-s002'), 'mine')
  assert.throws(() => writeImageFilesNow(at, { files }, emptySource(512)), { code: 'host-eexist' })
  assert.deepEqual(readdirSync(at), ['a-s002'])
  rmSync(join(at, 'a-s002'))
  writeImageFilesNow(at, { files }, emptySource(512))
  assert.deepEqual(readdirSync(at), ['a', 'a-s001', 'a-s002'])
})

test('names that a killed run had given to some of the files are free again', () => {
  const at = folder()
  const names = ['b-s001', 'b'] as const
  for (const name of names) writeFileSync(hiddenIn(at, name), 'half')
  linkSync(hiddenIn(at, 'b-s001'), join(at, 'b-s001'))
  const files = names.map((name) => named(name, name))
  writeImageFilesNow(at, { files }, emptySource(512))
  assert.deepEqual(readdirSync(at), ['b', 'b-s001'])
  assert.equal(readFileSync(join(at, 'b-s001'), 'utf8'), 'b-s001')
})

/** What a process that is gone left of this file. */
function hiddenIn(at: string, name: string, pid = 4_194_399): string {
  return join(at, `.${createHash('sha256').update(name).digest('hex').slice(0, 16)}.${pid}.creating`)
}

const named = (name: string, content: string) =>
  layoutOf([{ kind: 'bytes', bytes: Buffer.from(content) }], name).files[0]!

test('new files appear before the one that names them is replaced, with its permissions', () => {
  const at = folder()
  writeFileSync(join(at, 'c'), 'old', { mode: 0o640 })
  const files = [named('c-s002', 'more'), named('c', 'new')]
  writeImageFilesNow(at, { files }, emptySource(512), { replace: 'last' })
  assert.deepEqual(readdirSync(at), ['c', 'c-s002'])
  assert.equal(readFileSync(join(at, 'c'), 'utf8'), 'new')
  for (const name of ['c', 'c-s002']) assert.equal(statSync(join(at, name)).mode & 0o777, 0o640)
  // A new one never takes the place of what is there.
  const refused = [named('c-s002', 'again'), named('c', 'newer')]
  assert.throws(() => writeImageFilesNow(at, { files: refused }, emptySource(512), { replace: 'last' }), {
    code: 'host-eexist',
  })
  assert.equal(readFileSync(join(at, 'c'), 'utf8'), 'new')
  assert.deepEqual(readdirSync(at), ['c', 'c-s002'])
})

test('new files that a killed run had not named yet are made again, and those that it had are kept', () => {
  for (const renamed of [false, true]) {
    const at = folder()
    writeFileSync(join(at, 'd'), renamed ? 'new' : 'old')
    writeFileSync(hiddenIn(at, 'd-s002'), 'killed')
    linkSync(hiddenIn(at, 'd-s002'), join(at, 'd-s002'))
    if (!renamed) writeFileSync(hiddenIn(at, 'd'), 'new')
    const again = () =>
      writeImageFilesNow(at, { files: [named('d-s002', 'more'), named('d', 'new')] }, emptySource(512), {
        replace: 'last',
      })
    if (renamed) assert.throws(again, { code: 'host-eexist' })
    else again()
    assert.deepEqual(readdirSync(at), ['d', 'd-s002'])
    assert.equal(readFileSync(join(at, 'd-s002'), 'utf8'), renamed ? 'killed' : 'more')
    assert.equal(readFileSync(join(at, 'd'), 'utf8'), 'new')
  }
})

test('a layout cannot leave its folder', () => {
  const at = folder()
  for (const name of ['../x', '..', '', 'a/b']) {
    const layout = layoutOf([{ kind: 'zero', length: 512 }], name)
    assert.throws(() => writeImageFilesNow(at, layout, emptySource(512)), { code: 'disk-file-name' })
  }
  assert.ok(!existsSync(join(root, 'x')))
})

test('an image that is larger than the room is refused before anything is written, and says what is missing', () => {
  const at = folder()
  const layout = layoutOf([{ kind: 'guest', offset: 0, length: 2 ** 52 }])
  const full: DiskSource = {
    ...emptySource(2 ** 52),
    storedAt: (_offset, length) => ({ kind: 'computed', length }),
  }
  assert.throws(
    () => writeImageFilesNow(at, layout, full),
    ({ code, message }: { code: string; message: string }) =>
      code === 'host-enospc' && /^The image takes 4096 TiB, and .* are free: .* are missing\.$/.test(message),
  )
  assert.deepEqual(readdirSync(at), [])
})
