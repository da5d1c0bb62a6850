import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMachineSchema } from '../../../api/index.ts'
import { GiB, MiB } from '../../../base/index.ts'
import {
  checkDiskSize,
  checkForm,
  checkName,
  diskBytes,
  EMPTY_FORM,
  GUESTS,
  requestOf,
  summaryOf,
} from './create-form.ts'

const good = { ...EMPTY_FORM, name: 'Windows XP lab' }

test('a name is checked as the server will', () => {
  assert.equal(checkName(' Windows XP (SP3) '), undefined)
  assert.equal(checkName('Büro 2000'), undefined)
  assert.match(checkName('  ') ?? '', /name/)
  for (const wrong of ['a/b', 'tab\there', '..', 'nul', 'x'.repeat(200)])
    assert.match(checkName(wrong) ?? '', /\.$/, wrong)
})

test('sizes: a bare number is gigabytes, and limits are said', () => {
  assert.equal(diskBytes('16'), 16 * GiB)
  assert.equal(diskBytes('500 MB'), 500 * MiB)
  assert.equal(diskBytes('1.5g') % 1024, 0)
  assert.equal(checkDiskSize('16 GiB'), undefined)
  assert.match(checkDiskSize('big') ?? '', /such as/)
  assert.match(checkDiskSize('1 MB') ?? '', /smallest/)
  assert.match(checkDiskSize('3 TB') ?? '', /2040 GiB|1\.99 TiB/)
})

test('all problems come at once, each at its field', () => {
  const errors = checkForm({ ...EMPTY_FORM, name: '', memoryMB: 2, diskKind: 'existing' })
  assert.deepEqual(Object.keys(errors).sort(), ['existing', 'memoryMB', 'name'])
  assert.deepEqual(checkForm(good), {})
  assert.ok('memoryMB' in checkForm({ ...good, memoryMB: '' }))
})

test('the request of every kind of disk is one the server takes', () => {
  const forms = [
    good,
    { ...good, subformat: 'fixed' as const, cd: '/a.iso', network: 'Internal Network', location: '/srv' },
    { ...good, diskKind: 'differencing' as const, parent: '/base.vhd' },
    { ...good, diskKind: 'existing' as const, existing: ' /x.vhd ', notes: 'hello' },
    { ...good, diskKind: 'none' as const },
  ]
  for (const form of forms) {
    assert.deepEqual(checkForm(form), {})
    assert.equal(createMachineSchema.parse(requestOf(form)).name, 'Windows XP lab')
  }
  assert.equal('cd' in requestOf(good), false, 'what is empty is not sent')
  assert.deepEqual(requestOf(forms[3]!).disk, { kind: 'existing', path: '/x.vhd' })
})

test('the guest defaults are inside the limits', () => {
  for (const guest of GUESTS)
    assert.deepEqual(
      checkForm({ ...good, memoryMB: guest.memoryMB, diskSize: `${guest.diskGiB} GiB` }),
      {},
      guest.name,
    )
})

test('the summary says what will be made', () => {
  assert.deepEqual(summaryOf(good, '/library'), [
    'Windows XP lab with 256 MB of memory.',
    'A new dynamic disk of 16 GiB, which grows as it is used.',
    'An empty CD drive.',
    'A network adapter without cable.',
    'In /library.',
  ])
})
