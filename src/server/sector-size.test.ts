import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB } from '../base/index.ts'
import { createVmc, readVmc } from '../machine/index.ts'
import { createDiskFile } from '../system/index.ts'
import { buildMachine } from './create-machine.ts'
import { prepareSpec } from './run-spec.ts'
import type { TaskRecord } from './tasks.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-sector-size-'))
after(() => rmSync(root, { recursive: true, force: true }))

function newDisk(sectorSize: number): string {
  const path = join(root, `${sectorSize}.vhdx`)
  createDiskFile(path, { format: 'vhdx', subformat: 'dynamic', sizeBytes: 4 * MiB, sectorSize })
  return path
}

for (const [sectorSize, expected] of [
  [512, []],
  [4096, ['sector-size-lost']],
] as const) {
  test(`a machine over a disk with sectors of ${sectorSize} bytes: ${expected.join() || 'no warning'}`, async () => {
    const parent = newDisk(sectorSize)
    let told: Pick<TaskRecord, 'result' | 'notes'> = {}
    await buildMachine(
      {
        name: `Over ${sectorSize}`,
        memoryMB: 64,
        disk: { kind: 'differencing', parent },
        network: { kind: 'none' },
        undo: false,
      },
      root,
      () => [root],
      {
        signal: new AbortController().signal,
        progress: () => undefined,
        made: () => undefined,
        found: (outcome) => {
          told = outcome
        },
      },
    )
    assert.deepEqual(
      (told.notes ?? []).map(({ code }) => code),
      expected,
    )

    // With the disk itself, and an undo disk of the server's on it.
    const undo = join(root, `${sectorSize}-undo.vhd`)
    createDiskFile(undo, { format: 'vhd', subformat: 'differencing', parent })
    const drives = [{ channel: 0, unit: 0, kind: 'disk' as const, image: { absolute: parent } }]
    for (const undoDisks of [[], [{ channel: 0, unit: 0, path: undo, base: parent, merging: false }]]) {
      const { notes, refusals } = prepareSpec({
        id: 'id',
        path: join(root, 'it.vmc'),
        machine: readVmc(createVmc({ name: 'It', memoryMB: 64, drives }), 'it.vmc').machine,
        adapterModel: 'auto',
        macs: {},
        undoDisks,
        roots: [root],
        runFolder: root,
        switchSocket: () => '',
        isNetworkHere: () => true,
      })
      assert.deepEqual(refusals, [])
      assert.deepEqual(
        notes.map(({ code }) => code),
        expected,
      )
    }
  })
}
