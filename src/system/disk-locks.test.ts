import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { claimDiskFile, claimDiskFiles, isOpenForWriting, type WantedFile } from './disk-locks.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-locks-'))
after(() => rmSync(root, { recursive: true, force: true }))

function files(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const path = join(root, `${name}-${index}`)
    writeFileSync(path, '')
    return path
  })
}

/** As a chain is claimed: the first to be written, those below relied upon. */
function asChain(paths: readonly string[]): WantedFile[] {
  return paths.map((path, index) => ({ path, mode: index === 0 ? 'w' : 'r' }))
}

test('all files of a chain of 100 are claimed, or none', () => {
  const paths = files('link', 100)
  const claim = claimDiskFiles(asChain(paths))
  for (const index of [0, 1, 50, 99])
    assert.throws(() => claimDiskFile(paths[index]!, 'w'), { code: 'disk-in-use' })
  claimDiskFiles(asChain(paths.slice(1)).map(({ path }) => ({ path, mode: 'r' }))).release()
  // The rival has only the last one, and the message names it.
  const above = files('above', 5)
  assert.throws(() => claimDiskFiles([...asChain(above), { path: paths[99]!, mode: 'w' }]), {
    code: 'disk-in-use',
    where: { path: paths[99] },
  })
  assert.ok(!isOpenForWriting(above[0]!))
  claim.release()
  for (const path of paths) claimDiskFile(path, 'w').release()
})

test('nothing stays claimed when one of the files is not there', () => {
  const [first] = files('first', 1)
  assert.throws(() => claimDiskFiles(asChain([first!, join(root, 'none')])), { kind: 'not-found' })
  assert.ok(!isOpenForWriting(first!))
})

/** Claims the chain over and over; while it has it, makes a file that must not be there, and removes it. */
function raceFor(wanted: readonly WantedFile[], rounds: number): ChildProcess {
  const script = join(root, 'race.mjs')
  writeFileSync(
    script,
    `const { closeSync, openSync, rmSync } = await import('node:fs')
     const { claimDiskFiles } = await import(${JSON.stringify(new URL('./disk-locks.ts', import.meta.url).href)})
     const [wanted, rounds, held] = JSON.parse(process.argv[2])
     const result = { won: 0, refused: 0, together: 0, other: [] }
     process.send('ready')
     await new Promise((resolve) => process.once('message', resolve))
     for (let round = 0; round < rounds || (result.won === 0 && round < 100 * rounds); round++) {
       let claim
       try {
         claim = claimDiskFiles(wanted)
       } catch (error) {
         if (error.code === 'disk-in-use') result.refused++
         else result.other.push(String(error))
         continue
       }
       try {
         closeSync(openSync(held, 'wx'))
         rmSync(held)
         result.won++
       } catch {
         result.together++
       }
       claim.release()
     }
     process.send(result, () => process.disconnect())`,
  )
  const plan = JSON.stringify([wanted, rounds, join(root, 'held')])
  return fork(script, [plan], { execArgv: ['--disable-warning=ExperimentalWarning'] })
}

test('two processes that race for overlapping chains never have them at once', async () => {
  const paths = files('raced', 30)
  // The one writes in the middle of what the other relies on.
  const racers = [raceFor(asChain(paths.slice(0, 20)), 60), raceFor(asChain(paths.slice(10)), 60)]
  await Promise.all(racers.map((racer) => once(racer, 'message')))
  const results = racers.map((racer) => once(racer, 'message'))
  for (const racer of racers) racer.send('go')
  for (const [result] of await Promise.all(results)) {
    assert.equal(result.together, 0)
    assert.deepEqual(result.other, [])
    assert.ok(result.won > 0)
  }
  for (const path of paths) claimDiskFile(path, 'w').release()
})
