import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  besides,
  chosenKind,
  extensionFor,
  followFormat,
  INITIAL_KIND,
  kindsOf,
  madeFormats,
} from './image-kinds.ts'

test('every format that can be made is offered with its kinds, and never a child without a parent', () => {
  assert.deepEqual(madeFormats.map(({ name }) => name).sort(), ['qcow2', 'raw', 'vdi', 'vhd', 'vhdx', 'vmdk'])
  for (const { name } of madeFormats) {
    const kinds = kindsOf(name).map(({ value }) => value)
    assert.ok(kinds.length > 0, name)
    assert.ok(!kinds.includes('differencing'), name)
  }
  assert.ok(!kindsOf('vmdk', true).some(({ value }) => value.startsWith('twoGb')))
})

test('a profile decides alone; a kind of another format becomes the usual one', () => {
  assert.deepEqual(chosenKind({ ...INITIAL_KIND, profile: 'azure' }), { profile: 'azure' })
  assert.deepEqual(chosenKind(INITIAL_KIND), { format: 'vhd', subformat: 'dynamic' })
  const { subformat } = chosenKind({ ...INITIAL_KIND, format: 'vmdk' })
  assert.equal(subformat, kindsOf('vmdk')[0]!.value)
})

test('names beside a disk', () => {
  assert.equal(besides('/srv/old/xp.v1.vhd', ' copy', '.vhdx'), '/srv/old/xp.v1 copy.vhdx')
  assert.equal(besides('/xp.vhd', '', '.vdi'), '/xp.vdi')
  assert.equal(extensionFor('qcow2'), '.qcow2')
})

test("the new file's ending follows the format, or the product", () => {
  const follow = followFormat('target')
  assert.equal(follow({ ...INITIAL_KIND, format: 'vdi', target: '/a.b/xp.vhd' }).target, '/a.b/xp.vdi')
  assert.equal(follow({ ...INITIAL_KIND, profile: 'azure', target: '/a.b/xp.vdi' }).target, '/a.b/xp.vhd')
  assert.equal(follow({ ...INITIAL_KIND, format: 'vdi', target: '/a.b/xp' }).target, '/a.b/xp')
})
