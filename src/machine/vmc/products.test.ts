import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { productOf, VIVARIUM_STAMP } from './products.ts'

test('products are known by name and build', () => {
  assert.equal(productOf('Microsoft Virtual PC 2004', '5.3.0.574'), 'Virtual PC 2004')
  assert.equal(productOf('Microsoft Virtual PC 2007', '6.0.156.0'), 'Virtual PC 2007')
  assert.equal(productOf('Microsoft Virtual PC 2007', '6.0.192.0'), 'Virtual PC 2007 SP1')
  assert.equal(productOf('Virtual PC', '6.1.7600.16495'), 'Windows Virtual PC')
  assert.equal(productOf('Virtual PC', '6.1.7601.17514'), 'Windows Virtual PC (Windows 7 SP1)')
  assert.equal(productOf('Microsoft Virtual Server 2005 R2', '1.1.603.0 EE'), 'Virtual Server')
  assert.equal(productOf('Something', '1'), undefined)
})

test('the build that Vivarium signs with is the version of its package', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')
  const { version } = JSON.parse(text) as { version: string }
  assert.equal(VIVARIUM_STAMP.build, `${version}.0`)
})
