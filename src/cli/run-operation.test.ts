import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { VivariumError } from '../base/index.ts'
import { exitCodeOf, STOP_SIGNALS } from './exit.ts'
import { inControl } from './run-operation.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-stop-'))
after(() => rmSync(root, { recursive: true, force: true }))
const PROGRAM = fileURLToPath(new URL('../../bin/vivarium.js', import.meta.url))

/** Begins to make a disk of standard input that does not end, and stops it once its hidden file is there. */
async function stopped(signal: NodeJS.Signals, ...args: string[]) {
  const folder = mkdtempSync(join(root, 'f-'))
  const begun = new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      watcher.close()
      resolve()
    })
  })
  const child = spawn(process.execPath, [PROGRAM, 'disk', 'convert', '-', join(folder, 'x.vhd'), ...args])
  const [out, told] = [text(child.stdout), text(child.stderr)]
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  await Promise.race([begun, ended])
  child.kill(signal)
  const code = await ended
  child.stdin.destroy()
  return { code, out: await out, told: await told, left: readdirSync(folder) }
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  test(`a command that ${signal} stops leaves nothing, says so, and ends with ${code}`, async () => {
    const result = await stopped(signal)
    assert.deepEqual(result, { code, out: '', told: 'vivarium: Stopped. Nothing was made.\n', left: [] })
    const { out } = await stopped(signal, '--json')
    assert.equal(JSON.parse(out).error.code, `stopped-by-${signal.toLowerCase()}`)
  })

/** The runner of the tests listens too, and would take the signal for its own end. */
async function withoutOthers(signal: NodeJS.Signals, action: () => Promise<void>): Promise<void> {
  const others = process.listeners(signal)
  process.removeAllListeners(signal)
  try {
    await action()
    assert.equal(process.listenerCount(signal), 0)
  } finally {
    for (const other of others) process.on(signal, other)
  }
}

for (const signal of STOP_SIGNALS)
  test(`what went wrong besides ${signal} is told, and not that somebody stopped it`, () =>
    withoutOthers(signal, async () => {
      const failure = new VivariumError('io', 'host-eio', 'It could not be taken back.')
      const failing = inControl({ title: 'Fail' }, async () => {
        process.emit(signal, signal)
        throw failure
      })
      await assert.rejects(failing, (error) => error === failure)
      assert.equal(exitCodeOf(failure), 2)
      const stopping = inControl({ title: 'Stop', ifStopped: 'It is as it was.' }, async (control) => {
        process.emit(signal, signal)
        control.signal.throwIfAborted()
      })
      await assert.rejects(stopping, { message: 'Stopped. It is as it was.' })
    }))
