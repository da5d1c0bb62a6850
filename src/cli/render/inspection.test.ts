import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createDiskFile, inspectDisk } from '../../system/index.ts'
import { renderInspection } from './inspection.ts'

test('a disk of several files has the length of all of them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vivarium-inspection-'))
  try {
    const path = join(folder, 'split.vmdk')
    createDiskFile(path, { format: 'vmdk', subformat: 'twoGbMaxExtentFlat', sizeBytes: 3 * 2 ** 30 })
    const total = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
    assert.ok(total > 3 * 2 ** 30)
    const length = renderInspection(inspectDisk(path)).match(/^File length +(.*)$/m)?.[1]
    assert.equal(length, `3 GiB (${total.toLocaleString('en-US')} bytes) in 3 files`)
    rmSync(join(folder, 'split-f002.vmdk'))
    assert.match(renderInspection(inspectDisk(path)), /^File length .* in 2 files$/m)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
