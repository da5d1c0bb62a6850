import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkConfigSchema } from '../network-config.ts'
import { planPxe } from './plan.ts'

const ENTRIES = [
  { title: 'A', kernel: 'a' },
  { title: 'B', file: 'b' },
]
const plan = (pxe: object, more: object = { address: '10.0.0.1/24' }) =>
  planPxe(networkConfigSchema.parse({ name: 'Lab', key: 'lab', pxe: { folder: '/boot', ...pxe }, ...more }))

test('settings that work, and none', () => {
  assert.equal(plan({ entries: ENTRIES, default: 'B' })?.timeoutSeconds, 10)
  assert.equal(plan({}, { dhcp: {} })?.folder, '/boot')
  assert.equal(plan({ enabled: false }, {}), undefined)
})

test('what cannot work is refused with what to do', () => {
  for (const [pxe, more, code] of [
    [{}, {}, 'pxe-without-address'],
    [{}, { dhcp: { enabled: false } }, 'pxe-without-address'],
    [{ folder: 'boot' }, undefined, 'pxe-folder-not-absolute'],
    [{ entries: [ENTRIES[0], ENTRIES[0]] }, undefined, 'pxe-title-twice'],
    [{ entries: ENTRIES, default: 'C' }, undefined, 'pxe-no-such-default'],
  ] as const)
    assert.throws(() => plan(pxe, more), { code, kind: 'invalid' })
  assert.throws(() => plan({ folder: 'boot', default: 'C' }), {
    code: 'network-settings',
    message: /is not a whole path\. No boot entry is called "C"\./,
  })
})
