import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../base/index.ts'
import { systemError } from '../system/index.ts'
import { exitCodeOf } from './exit.ts'

const ofHost = (code: string) =>
  exitCodeOf(systemError(Object.assign(new Error(code), { code }), '/disks/a.vhd'))

test('what the host refuses for a reason of the moment ends with 1, what cannot be read with 2', () => {
  for (const code of ['ENOSPC', 'EDQUOT', 'EMFILE', 'EBUSY', 'EACCES', 'EEXIST'])
    assert.equal(ofHost(code), 1, code)
  for (const code of ['EIO', 'ENOENT', 'ENOTDIR', 'EINVAL']) assert.equal(ofHost(code), 2, code)
  assert.equal(exitCodeOf(new VivariumError('corrupt', 'vhd-footer-missing', 'There is no footer.')), 2)
})
