import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB } from '../base/index.ts'
import { operations } from './operations.ts'
import {
  playScene,
  requireDone,
  requireNothingLeft,
  type Scene,
  type Stage,
  scenes,
  stageOf,
} from './scenes/index.ts'

/** Every operation is stopped in its middle: nothing half-done is left, nothing is lost, and it can be run again. */
const SIZE = 2 * MiB
const root = mkdtempSync(join(tmpdir(), 'vivarium-cancelled-'))
after(() => rmSync(root, { recursive: true, force: true }))

/** They only read; copying out of a disk is stopped in `inside`'s tests and in test/e2e/inside.test.ts. */
const ELSEWHERE = ['check', 'compare', 'copy-out', 'undo-recover']

test('every operation that changes files has a scene', () => {
  const staged = new Set(scenes.map(({ operation }) => operation))
  const missing = operations.map(({ name }) => name).filter((name) => !staged.has(name))
  assert.deepEqual(missing, ELSEWHERE)
})

/** @returns Whether it was stopped before it was done. */
async function stopsAfter(fraction: number, scene: Scene, stage: Stage): Promise<boolean> {
  const stop = new AbortController()
  const progress = (done: number) => {
    if (done > fraction && done < 1) stop.abort()
  }
  try {
    await playScene(scene, stage, { signal: stop.signal, progress })
    return false
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error
    return true
  }
}

/** So short that there is no middle: one file is made, or a few sectors are changed, in one go. */
const SHORT =
  /^(create|clone to linked|expand of a (dynamic (vhd|vhdx|qcow2|vdi)|monolithicFlat vmdk)$|reparent|repair)/

for (const scene of scenes)
  test(`${scene.title}, stopped in its middle, leaves nothing half-done`, async () => {
    const stage = await stageOf(scene, root, SIZE)
    for (const fraction of [0, 0.5]) {
      stage.reset()
      const stopped = await stopsAfter(fraction, scene, stage)
      if (fraction === 0 && !SHORT.test(scene.title)) assert.ok(stopped)
      if (stopped) {
        scene.check(stage.folder, SIZE)
        requireNothingLeft(scene, stage)
        await playScene(scene, stage)
      }
      requireDone(scene, stage)
    }
  })
