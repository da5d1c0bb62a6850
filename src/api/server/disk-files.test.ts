import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attachment } from './disk-files.ts'

test("a guest's name cannot leave its place in the header", () => {
  assert.equal(attachment('setup.log'), `attachment; filename="setup.log"; filename*=UTF-8''setup.log`)
  assert.equal(
    attachment('a"b\r\nX: y'),
    `attachment; filename="a_b__X_ y"; filename*=UTF-8''a%22b%0D%0AX%3A%20y`,
  )
  assert.match(attachment('Grüße.txt'), /filename="Gr__e.txt"; filename\*=UTF-8''Gr%C3%BC%C3%9Fe.txt$/)
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      assert.match(attachment(name), /^attachment; filename="[\w .()+-]*"; filename\*=UTF-8''[\w.~%-]*$/)
    }),
  )
})
