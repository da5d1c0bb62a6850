import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { inspectDisk } from './disk-inspect.ts'
import { openDiskFile } from './disks.ts'

/** Every QCOW2 image we have reads to the content that was recorded for it. */
const corpus = process.env.VIVARIUM_CORPUS ?? resolve(import.meta.dirname, '../../../shared/corpus')
const here = existsSync(join(corpus, 'manifest.json'))

interface Entry {
  readonly file: string
  readonly guest_sha256: string
  readonly guest_bytes: number
}

const entries: Entry[] = here ? JSON.parse(readFileSync(join(corpus, 'manifest.json'), 'utf8')) : []
const images = entries.filter(({ file }) => file.endsWith('.qcow2'))

test('the corpus is here', (t) => {
  if (!here) return t.skip('corpus not here: set VIVARIUM_CORPUS')
  assert.ok(images.length >= 6)
})

for (const { file, guest_sha256, guest_bytes } of images) {
  test(`${file} reads to its recorded content`, () => {
    const path = join(corpus, file)
    const disk = openDiskFile(path)
    const content = new Uint8Array(disk.sizeBytes)
    disk.read(0, content)
    disk.close()
    assert.equal(content.length, guest_bytes)
    assert.equal(createHash('sha256').update(content).digest('hex'), guest_sha256)
    const { format, virtualSize, chain, problems } = inspectDisk(path)
    assert.deepEqual([format, virtualSize], ['qcow2', guest_bytes])
    assert.deepEqual(
      problems.map(({ code }) => code),
      file.endsWith('base.qcow2') ? ['disk-is-a-parent'] : chain.map(() => 'parent-by-name'),
    )
  })
}

test('the child finds its base by its name', (t) => {
  if (!here) return t.skip('corpus not here: set VIVARIUM_CORPUS')
  const { parent, subformat } = inspectDisk(join(corpus, 'generated/child.qcow2'))
  assert.equal(subformat, 'differencing')
  assert.deepEqual([parent?.state, parent?.foundBy, parent?.format], ['found', 'relative', 'qcow2'])
})
