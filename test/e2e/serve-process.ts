import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { bin } from './server-process.ts'

/** `vivarium disk serve` in a process of its own, as a user starts it. */
export interface Serving {
  readonly child: ChildProcess
  readonly uris: readonly string[]
  readonly uri: string
  readonly address: { readonly path?: string; readonly host?: string; readonly port?: number }
  readonly undo: string | undefined
  errors(): string
  /** Ends it and answers its exit code, or the signal that killed it. */
  stop(signal?: NodeJS.Signals): Promise<number | string>
}

export async function serving(t: TestContext, ...args: readonly string[]): Promise<Serving> {
  const child = spawn(process.execPath, [bin, 'disk', 'serve', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal)
      await once(child, 'exit')
    }
    return child.exitCode ?? child.signalCode!
  }
  t.after(() => stop())
  for await (const chunk of child.stdout) {
    output += chunk
    if (output.endsWith('}\n')) break
  }
  assert.ok(output.endsWith('}\n'), `It ended: ${errors}`)
  const { exports, address } = JSON.parse(output)
  const uris = exports.map(({ uri }: { uri: string }) => uri)
  return { child, uris, uri: uris[0], address, undo: exports[0].undo?.path, errors: () => errors, stop }
}
