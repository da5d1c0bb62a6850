import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FileTree } from './file-tree.ts'
import { parseInsidePath } from './inside-path.ts'

function treeOf(ignoreCase: boolean): FileTree {
  const tree = new FileTree(ignoreCase)
  tree.add({ path: 'WINDOWS/system32/config/software', kind: 'file', sizeBytes: 10 })
  tree.add({ path: 'WINDOWS', kind: 'folder', sizeBytes: 0, modified: '2001-02-03T04:05:06' })
  tree.add({ path: 'boot.ini', kind: 'file', sizeBytes: 5 })
  tree.add({ path: '__proto__/constructor', kind: 'file', sizeBytes: 1 })
  return tree
}

test('folders that only their content names are there too; folders come first', () => {
  const tree = treeOf(true)
  assert.deepEqual(
    tree.list('').map(({ name, kind }) => [name, kind]),
    [
      ['__proto__', 'folder'],
      ['WINDOWS', 'folder'],
      ['boot.ini', 'file'],
    ],
  )
  assert.deepEqual(tree.total('WINDOWS'), { files: 1, bytes: 10 })
  assert.deepEqual(tree.total(''), { files: 3, bytes: 16 })
  assert.deepEqual(tree.list('/windows/System32/'), [{ name: 'config', kind: 'folder', sizeBytes: 0 }])
  assert.equal(tree.find('windows/SYSTEM32/config/Software').path, 'WINDOWS/system32/config/software')
})

test('where case matters, a name in another case is another name', () => {
  assert.throws(() => treeOf(false).list('windows'), { code: 'inside-no-such-file' })
  assert.equal(treeOf(false).seek('windows'), undefined)
  assert.throws(() => treeOf(true).list('boot.ini'), { code: 'inside-not-a-folder' })
})

test('the first of two things of one name counts', () => {
  const tree = treeOf(true)
  tree.add({ path: 'boot.ini', kind: 'file', sizeBytes: 99 })
  assert.equal(tree.find('boot.ini').entry.sizeBytes, 5)
})

test('paths name their volume, or leave it out', () => {
  const volumes = [{ number: 1 }, { number: 5 }]
  assert.deepEqual(parseInsidePath('/1/WINDOWS', volumes), { volume: 1, path: 'WINDOWS' })
  assert.deepEqual(parseInsidePath('5:/', volumes), { volume: 5, path: '' })
  assert.deepEqual(parseInsidePath('7:\n/a', volumes), { volume: 7, path: '\n/a' })
  assert.deepEqual(parseInsidePath('/2/1', volumes), { path: '2/1' })
  assert.deepEqual(parseInsidePath('', volumes), { path: '' })
  assert.throws(() => parseInsidePath('/1/../2', volumes), { code: 'inside-path' })
})
