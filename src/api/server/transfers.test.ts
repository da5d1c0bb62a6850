import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dispositionOf } from './transfers.ts'

test('a name of any letters is sent so that no program is led astray', () => {
  assert.equal(dispositionOf('xp.vhd'), `attachment; filename="xp.vhd"; filename*=UTF-8''xp.vhd`)
  assert.equal(
    dispositionOf('Büro "1"\r\n\'a.vhd'),
    `attachment; filename="B_ro _1___'a.vhd"; filename*=UTF-8''B%C3%BCro%20%221%22%0D%0A%27a.vhd`,
  )
})
