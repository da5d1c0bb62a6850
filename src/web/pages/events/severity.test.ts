import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerEvent } from '../../../api/index.ts'
import { atLeast, type Severity } from './severity.ts'

const event = (id: number, severity: Severity): ServerEvent => ({
  id,
  time: '2026-01-01T00:00:00Z',
  severity,
  source: 'server',
  code: 'x',
  message: 'x',
})

test('a severity shows itself and what is worse, in order', () => {
  const events = [event(3, 'error'), event(2, 'info'), event(1, 'warning')]
  const ids = (severity: Severity) => atLeast(events, severity).map((one) => one.id)
  assert.deepEqual(ids('info'), [3, 2, 1])
  assert.deepEqual(ids('warning'), [3, 1])
  assert.deepEqual(ids('error'), [3])
})
