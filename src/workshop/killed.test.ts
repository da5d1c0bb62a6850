import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB } from '../base/index.ts'
import { cases, randomFrom } from '../base/testing.ts'
import { ownUid } from '../system/index.ts'
import { playScene, playToEnd, requireDone, type Scene, type Stage, scenes, stageOf } from './scenes/index.ts'

/**
 * Every operation is killed at each of its system calls that change something: from that one on none has any effect,
 * the cleaning up included, and that one, when it writes, writes a part of whole sectors. What is to be seen then is
 * old or new, nothing of it is lost, and the operation that is run again ends it and leaves nothing lying about.
 *
 * In the quick loop some of the calls, spread over all, and the first and last ones.
 */
const SIZE = 2 * MiB
const CALLS = cases(2, 100)

const root = fs.mkdtempSync(join(tmpdir(), 'vivarium-killed-'))
after(() => fs.rmSync(root, { recursive: true, force: true }))

const CLAIMS = `/tmp/vivarium-${ownUid()}`
const real = { ...fs }
const SIMPLE = ['ftruncateSync', 'renameSync', 'rmSync', 'unlinkSync', 'linkSync', 'chmodSync'] as const

/** How many calls still have an effect. */
let callsLeft = Number.POSITIVE_INFINITY
let calls = 0
let torn: { sectorBytes: number; next: () => number } | undefined

/** Claims are no part of it: those of a process that is gone count for nothing. */
const concerns = (path: unknown) => !String(path).startsWith(CLAIMS)

type Outcome = 'done' | 'dying' | 'dead'

function outcomeOfCall(): Outcome {
  calls++
  callsLeft--
  return callsLeft > 0 ? 'done' : callsLeft === 0 ? 'dying' : 'dead'
}

const MAKES_FILES = fs.constants.O_CREAT | fs.constants.O_TRUNC

function breakFileSystem(): void {
  // What the kernel does without Node cannot be held back here.
  process.env.VIVARIUM_NO_NATIVE = '1'
  for (const name of [
    'ftruncateSync',
    'renameSync',
    'rmSync',
    'unlinkSync',
    'linkSync',
    'chmodSync',
  ] as const)
    (fs as Record<string, unknown>)[name] = (...args: unknown[]) => {
      if (!concerns(args[0]) || outcomeOfCall() === 'done')
        return (real[name] as (...args: unknown[]) => unknown)(...args)
      return undefined
    }
  fs.writeFileSync = ((...args: Parameters<typeof fs.writeFileSync>) => {
    const outcome = concerns(args[0]) ? outcomeOfCall() : 'done'
    if (outcome === 'done') real.writeFileSync(...args)
    else if (outcome === 'dying') real.writeFileSync(args[0], '')
  }) as typeof fs.writeFileSync
  fs.openSync = ((path: fs.PathLike, flags: number | string, mode?: fs.Mode) => {
    const makes = typeof flags === 'number' ? (flags & MAKES_FILES) !== 0 : flags !== 'r' && flags !== 'r+'
    if (makes && concerns(path) && outcomeOfCall() === 'dead')
      throw Object.assign(new Error('EIO: killed'), { code: 'EIO' })
    return real.openSync(path, flags, mode)
  }) as typeof fs.openSync
  fs.writeSync = ((fd: number, from: Uint8Array, offset: number, length: number, at: number) => {
    const outcome = outcomeOfCall()
    if (outcome === 'done') return real.writeSync(fd, from, offset, length, at)
    if (outcome === 'dying') writeTorn(fd, from.subarray(offset, offset + length), at)
    return length
  }) as typeof fs.writeSync
  syncBuiltinESMExports()
}

function mendFileSystem(): void {
  const { writeFileSync, openSync, writeSync } = real
  Object.assign(fs, { writeFileSync, openSync, writeSync })
  for (const name of SIMPLE) Object.assign(fs, { [name]: real[name] })
  syncBuiltinESMExports()
  delete process.env.VIVARIUM_NO_NATIVE
}

function writeTorn(fd: number, bytes: Uint8Array, at: number): void {
  const { sectorBytes, next } = torn!
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, (Math.floor((at + start) / sectorBytes) + 1) * sectorBytes - at)
    if (next() < 0.5) real.writeSync(fd, bytes, start, end - start, at + start)
    start = end
  }
}

/** @returns How many calls there were. */
async function playUntilKilled(scene: Scene, stage: Stage, afterCalls: number): Promise<number> {
  calls = 0
  callsLeft = afterCalls
  breakFileSystem()
  try {
    await playScene(scene, stage)
  } catch (error) {
    if (afterCalls === Number.POSITIVE_INFINITY) throw error
  } finally {
    mendFileSystem()
  }
  return calls
}

/** The first and the last ones, which make and publish, and some between. */
function chosen(count: number): number[] {
  const all = Array.from({ length: count }, (_, index) => index + 1)
  const every = Math.max(1, Math.floor(count / CALLS))
  return all.filter((call) => call <= CALLS || call > count - 2 * CALLS || call % every === 0)
}

for (const [index, scene] of scenes.entries())
  test(`${scene.title}, killed at any call, loses nothing and is run again`, async (t) => {
    const stage = await stageOf(scene, root, SIZE)
    const count = await playUntilKilled(scene, stage, Number.POSITIVE_INFINITY)
    requireDone(scene, stage)
    const moments = chosen(count)
    for (const call of moments) {
      stage.reset()
      torn = { sectorBytes: call % 2 === 0 ? 512 : 4096, next: randomFrom(index * 1000 + call) }
      await playUntilKilled(scene, stage, call)
      try {
        scene.check(stage.folder, SIZE)
        await playToEnd(scene, stage)
      } catch (error) {
        throw new Error(`killed at call ${call} of ${count}: ${real.readdirSync(stage.folder)}`, {
          cause: error,
        })
      }
    }
    t.diagnostic(`${moments.length} of ${count} calls`)
  })
