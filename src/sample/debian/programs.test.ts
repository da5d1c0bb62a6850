import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findProgram, runProgram } from './programs.ts'

test('a program that fails says why', async () => {
  const script = 'echo starting; echo "tool: cannot reach mirror" >&2; echo "E: giving up" >&2; exit 3'
  await assert.rejects(runProgram('sh', ['-c', script]), {
    code: 'program-failed',
    message: 'sh ended with 3 and said: tool: cannot reach mirror',
  })
})

test('a program that is missing is named', async () => {
  assert.equal(findProgram('no-such-program-here'), undefined)
  await assert.rejects(runProgram('no-such-program-here', []), { kind: 'unavailable' })
})

test('a cancelled program is asked to end and waited for', async () => {
  const controller = new AbortController()
  const lines: string[] = []
  const script = 'trap "echo tidied; exit 0" TERM; echo ready; while :; do sleep 0.05; done'
  const onLine = (line: string) => {
    lines.push(line)
    if (line === 'ready') controller.abort()
  }
  await assert.rejects(runProgram('sh', ['-c', script], { signal: controller.signal, onLine }), {
    name: 'AbortError',
  })
  assert.deepEqual(lines, ['ready', 'tidied'])
})
