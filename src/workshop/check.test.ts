import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB, VivariumError } from '../base/index.ts'
import { createDiskFile, openDiskFile } from '../system/index.ts'
import { check } from './index.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-check-'))
after(() => rmSync(root, { recursive: true, force: true }))
const control = {
  ...{ signal: new AbortController().signal, roots: [root] },
  ...{ progress: () => undefined, note: () => undefined },
}

/** What is advised, in the result or in the error. */
async function adviceOn(path: string, format: string): Promise<string[]> {
  try {
    const { problems } = await check.run({ path, deep: false, format }, control)
    return problems.flatMap(({ next }) => next ?? [])
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
    return [error.next ?? '']
  }
}

for (const [format, subformat] of [
  ['vhd', 'dynamic'],
  ['vhd', 'fixed'],
  ['vhdx', 'dynamic'],
  ['vmdk', 'monolithicSparse'],
  ['vdi', 'dynamic'],
  ['qcow2', 'v3'],
] as const)
  test(`the check of a ${subformat} ${format} that was cut short does not advise to check it`, async () => {
    const path = join(root, `${subformat}.${format}`)
    createDiskFile(path, { format, subformat, sizeBytes: 8 * MiB })
    const disk = openDiskFile(path, { writable: true })
    disk.write(0, new Uint8Array(8 * MiB).fill(1))
    disk.close()
    const { size } = statSync(path)
    const lengths = [size - 512, size >> 1, 3 * MiB, MiB, 200_000, 70_000, 2000, 1536, 1000, 512]
    for (const length of lengths.filter((each) => each < size).sort((a, b) => b - a)) {
      truncateSync(path, length)
      for (const advice of await adviceOn(path, format))
        assert.doesNotMatch(advice, /vivarium check/, `${length} bytes`)
    }
  })
