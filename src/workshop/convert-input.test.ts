import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB, type Problem } from '../base/index.ts'
import { createDiskFile, factsOfFile, openDiskFile } from '../system/index.ts'
import { convertInput } from './index.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-input-'))
after(() => rmSync(root, { recursive: true, force: true }))
const folder = () => mkdtempSync(join(root, 'f-'))
const control = (signal = new AbortController().signal) => ({
  ...{ signal, roots: [root], progress: () => undefined, note: () => undefined },
})

const content = new Uint8Array(3 * MiB + 512)
content
  .fill(1, 0, 70_000)
  .fill(2, 2 * MiB + 1, 2 * MiB + 9)
  .fill(3, content.length - 1)

/** In chunks of no size in particular. */
async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_531) yield bytes.subarray(at, at + 65_531)
}

const wish = (target: string, input: AsyncIterable<Uint8Array> = chunksOf(content)) => ({
  ...{ input, inputName: 'standard input', inputFormat: 'raw', target, verify: true },
})

function contentOf(path: string): Buffer {
  const disk = openDiskFile(path)
  const bytes = Buffer.alloc(disk.sizeBytes)
  disk.read(0, bytes)
  disk.close()
  return bytes
}

for (const [ending, format] of [
  ['vhd', 'vhd'],
  ['vhdx', 'vhdx'],
  ['vmdk', 'vmdk'],
  ['vdi', 'vdi'],
  ['qcow2', 'qcow2'],
  ['img', 'raw'],
] as const)
  test(`a raw stream becomes a ${format}, and nothing else stays`, async () => {
    const at = folder()
    const target = join(at, `disk.${ending}`)
    const made = await convertInput({ ...wish(target), sizeBytes: content.length }, control())
    assert.deepEqual([made.format, made.sourceFiles], [format, ['standard input']])
    assert.ok(contentOf(target).subarray(0, content.length).equals(content))
    assert.deepEqual(readdirSync(at), [`disk.${ending}`])
    assert.ok(statSync(target).blocks * 512 < 3 * MiB)
  })

test('a raw stream stays raw, whatever it looks like; what it is can be said', async () => {
  const at = folder()
  const image = join(at, 'image.qcow2')
  createDiskFile(image, { format: 'qcow2', subformat: 'dynamic', sizeBytes: MiB })
  const disk = openDiskFile(image, { writable: true })
  disk.write(5000, Uint8Array.of(9))
  disk.close()
  const bytes = readFileSync(image)
  const raw = join(at, 'raw.vhd')
  await convertInput(wish(raw, chunksOf(bytes)), control())
  assert.ok(contentOf(raw).subarray(0, bytes.length).equals(bytes))
  const known = join(at, 'known.vhd')
  await convertInput({ ...wish(known, chunksOf(bytes)), inputFormat: 'qcow2' }, control())
  assert.deepEqual([factsOfFile(known).sizeBytes, contentOf(known)[5000]], [MiB, 9])
  const strange = { ...wish(join(at, 'new.vhd')), inputFormat: 'vhdx' }
  await assert.rejects(convertInput(strange, control()), /does not begin with "vhdxfile"/)
  const child = join(at, 'child.vhd')
  createDiskFile(child, { subformat: 'differencing', parent: known })
  const orphan = { ...wish(join(at, 'new.vhd'), chunksOf(readFileSync(child))), inputFormat: 'vhd' }
  await assert.rejects(convertInput(orphan, control()), { code: 'disk-needs-parent' })
  assert.deepEqual(readdirSync(at).sort(), ['child.vhd', 'image.qcow2', 'known.vhd', 'raw.vhd'])
})

test('a stream that looks like an image and is not said to be raw is warned of', async () => {
  const at = folder()
  for (const [format, subformat] of [
    ['vhd', 'fixed'],
    ['vhd', 'dynamic'],
    ['vhdx', 'dynamic'],
    ['vmdk', 'monolithicSparse'],
    ['vdi', 'dynamic'],
    ['qcow2', 'v3'],
    ['raw', 'flat'],
  ] as const) {
    const image = join(at, `image.${format}`)
    createDiskFile(image, { format, subformat, sizeBytes: MiB })
    const take = async (inputFormat?: string) => {
      const notes: Problem[] = []
      const target = join(at, 'taken.raw')
      const spec = { ...wish(target, chunksOf(readFileSync(image))), verify: false, inputFormat }
      await convertInput(spec, { ...control(), note: (problem) => notes.push(problem) })
      assert.equal(statSync(target).size, inputFormat === format ? MiB : statSync(image).size)
      rmSync(target)
      return notes.map(({ code, next }) => [code, /--from (\w+)/.exec(next ?? '')?.[1]])
    }
    assert.deepEqual(await take(), format === 'raw' ? [] : [['input-looks-like-an-image', format]])
    for (const said of ['raw', format]) assert.deepEqual(await take(said), [])
    rmSync(image)
  }
})

test('a stream that is too short, too long, empty, broken or stopped makes nothing', async () => {
  const at = folder()
  const target = join(at, 'disk.vhd')
  const refused = (spec: Partial<Parameters<typeof convertInput>[0]>, code: string) =>
    assert.rejects(convertInput({ ...wish(target), ...spec }, control()), { code })
  await refused({ sizeBytes: content.length + 512 }, 'input-cut-short')
  await refused({ sizeBytes: content.length - 512 }, 'input-too-long')
  await refused({ input: chunksOf(new Uint8Array(0)) }, 'disk-empty')
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield content
    throw new Error('the pipe broke')
  }
  await assert.rejects(convertInput({ ...wish(target), input: broken() }, control()), /the pipe broke/)
  const stop = new AbortController()
  const stopping = async function* (): AsyncGenerator<Uint8Array> {
    yield content
    stop.abort()
    yield content
  }
  const stopped = convertInput({ ...wish(target), input: stopping() }, control(stop.signal))
  await assert.rejects(stopped, { name: 'AbortError' })
  assert.deepEqual(readdirSync(at), [])
})
