import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bootPath } from './path.ts'

test('paths as boot loaders write them', () => {
  for (const [text, path] of [
    ['pxelinux.0', 'pxelinux.0'],
    ['/pxelinux.cfg/default', 'pxelinux.cfg/default'],
    ['\\OSChooser\\i386\\startrom.com', 'OSChooser/i386/startrom.com'],
    ['./a//b/./c', 'a/b/c'],
    ['Setup\\English\\Images\\XP PRO\\i386\\ntdetect.com', 'Setup/English/Images/XP PRO/i386/ntdetect.com'],
  ] as const)
    assert.equal(bootPath(text), path)
})

test('paths that leave the folder, or are none, are refused', () => {
  for (const text of [
    '',
    '/',
    '..',
    '../x',
    'a/../../x',
    '..\\x',
    'a\\..\\b',
    'a\0b',
    'a\nb',
    'x'.repeat(513),
  ])
    assert.equal(bootPath(text), undefined, text)
})

test('no path has a part that leads out', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('.', '/', '\\', 'a', ' ', '\0') }), (text) => {
      const path = bootPath(text)
      if (path === undefined) return
      assert.ok(
        !path.startsWith('/') && !path.split('/').some((part) => ['', '.', '..'].includes(part)),
        path,
      )
    }),
  )
})
