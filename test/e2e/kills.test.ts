import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { playToEnd, type Scene, type Stage, scenes, stageOf } from '../../src/workshop/scenes/index.ts'
import { newFolder } from './server-process.ts'

/**
 * Every operation in a real process, killed at random moments between its beginning and its end, as long as an
 * undisturbed run takes: nothing is lost, and it can be run again to its end. VIVARIUM_KILLS=5000 for a long run.
 */
const KILLS = Number(process.env.VIVARIUM_KILLS ?? 50)
const EACH = Math.ceil(KILLS / scenes.length)
const SIZE = 16 << 20
const script = join(import.meta.dirname, 'operation-process.ts')

interface Run {
  readonly milliseconds: number
  /** It was killed before it was done. */
  readonly landed: boolean
}

async function runInProcess(
  { operation }: Scene,
  { spec, folder }: Stage,
  killAfterMs?: number,
): Promise<Run> {
  // Without what the test runner was started with: it would load that every time.
  const child = fork(script, [operation, JSON.stringify(spec), folder], { stdio: 'ignore', execArgv: [] })
  const gone = once(child, 'exit')
  // One that cannot even begin never says that it is ready.
  await Promise.race([once(child, 'message'), gone])
  const began = performance.now()
  let done: number | undefined
  child.once('message', () => {
    done = performance.now()
  })
  if (killAfterMs !== undefined) {
    await Promise.race([gone, sleep(killAfterMs)])
    child.kill('SIGKILL')
  }
  const [code] = await gone
  assert.ok(code === 0 || code === null, `${operation} ended with ${code}`)
  return { milliseconds: (done ?? performance.now()) - began, landed: code === null && done === undefined }
}

for (const scene of scenes)
  test(`${scene.title}, its process killed ${EACH} times, loses nothing`, async (t) => {
    const root = newFolder(t)
    const [place, kept] = [join(root, 'place'), join(root, 'kept')]
    for (const folder of [place, kept]) mkdirSync(folder)
    const stage = await stageOf(scene, place, SIZE, kept)
    let { milliseconds: whole } = await runInProcess(scene, stage)
    let landed = 0
    for (let kill = 1; kill <= EACH; kill++) {
      stage.reset()
      const run = await runInProcess(scene, stage, Math.random() * whole)
      if (run.landed) landed++
      else whole = Math.min(whole, run.milliseconds)
      try {
        scene.check(stage.folder, SIZE)
        await playToEnd(scene, stage)
      } catch (error) {
        throw new Error(`kill ${kill}: ${readdirSync(stage.folder)}`, { cause: error })
      }
    }
    t.diagnostic(`${landed} of ${EACH} kills landed within ${Math.round(whole)} ms`)
    if (EACH >= 20) assert.ok(landed > EACH / 4, 'kills fall into the work')
  })
