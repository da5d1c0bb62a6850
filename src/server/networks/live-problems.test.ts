import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SwitchNetworkStatus } from '../../engine/index.ts'
import { liveProblems } from './live-problems.ts'

const problems = (status: object) =>
  liveProblems({ services: {}, ...status } as SwitchNetworkStatus).map(
    ({ code, message }) => `${code} ${message}`,
  )

test('what does not work now is told, and what works is not', () => {
  assert.deepEqual(problems({}), [])
  assert.deepEqual(problems({ uplink: { kind: 'nat', isUp: true, restarts: 0, problem: 'of before' } }), [])
  assert.deepEqual(
    problems({ uplink: { kind: 'nat', isUp: false, restarts: 5, problem: 'Port 80 is taken.', next: 'x' } }),
    ['uplink-down Port 80 is taken.'],
  )
  const dhcp = { start: '10.7.0.16', end: '10.7.0.17', leases: [], otherServers: [{ address: '10.7.0.2' }] }
  assert.deepEqual(problems({ services: { dhcp: { ...dhcp, isStandingDown: true, isExhausted: true } } }), [
    'dhcp-standing-down The DHCP server is silent, because another one answers here: 10.7.0.2.',
    'dhcp-exhausted No address from 10.7.0.16 to 10.7.0.17 is free.',
  ])
  const pxe = (folder: string) => problems({ services: { pxe: { folder, mode: 'dhcp' } } })
  assert.deepEqual(pxe(import.meta.dirname), [])
  for (const folder of [join(import.meta.dirname, 'nowhere'), import.meta.filename])
    assert.deepEqual(pxe(folder), [
      'pxe-folder-missing The boot folder is not there, or may not be read: no machine can boot from this network.',
    ])
})
