import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ListedItem, ListingParser } from './listing.ts'

function parse(text: string, cut = text.length): ListedItem[] {
  const items: ListedItem[] = []
  const parser = new ListingParser((item) => items.push(item))
  const bytes = new TextEncoder().encode(text)
  parser.add(bytes.subarray(0, cut))
  parser.add(bytes.subarray(cut))
  parser.end()
  return items
}

const LISTING = `Path = Grüße
Folder = +
Size = 
Modified = 2001-02-03 04:05:06.1234567
Symbolic Link = 

Path = Grüße/a = b
Folder = -
Size = 6
Modified = 
iNode = 19

Path = stream:evil
Folder = -
Alternate Stream = +

Path = gone
Deleted = +

Path = link
Folder = -
Size = 16
Symbolic Link = ../../etc/passwd

Path = tty
Folder = -
Size = 0
Mode = crw-r--r--
`

test('a listing is read wherever it is cut', () => {
  const length = new TextEncoder().encode(LISTING).length
  for (let cut = 0; cut <= length; cut++) {
    assert.deepEqual(parse(LISTING, cut), [
      { path: 'Grüße', kind: 'folder', sizeBytes: 0, modified: '2001-02-03T04:05:06' },
      { path: 'Grüße/a = b', kind: 'file', sizeBytes: 6, inode: 19 },
      { path: 'link', kind: 'link', sizeBytes: 0, target: '../../etc/passwd' },
      { path: 'tty', kind: 'other', sizeBytes: 0 },
    ])
  }
})

test('reparse points of NTFS are links where they are, and otherwise no plain files', () => {
  const item = (path: string, folder: '+' | '-', link: string) =>
    `Path = ${path}\nFolder = ${folder}\nSize = 0\nAttributes = ${folder === '+' ? 'D' : ''}AL\nLink = ${link}\n\n`
  const listing = [
    item('relative', '-', 'd\\x'),
    item('absolute', '+', '\\\\?\\C:\\WINDOWS : C:\\WINDOWS'),
    item('junction', '+', 'Junction: \\\\?\\C:\\Users : C:\\Users'),
    item('mounted', '+', 'Junction: \\\\?\\Volume{0c6c5a7e}\\'),
    item('linux', '-', 'WSL: a : b'),
    item('deduplicated', '-', 'DEDUP:8 6465647570202020'),
    item('cloud', '+', 'DEDUP:8 6465647570202020'),
    item('compressed', '-', ''),
    'Path = plain\nFolder = -\nSize = 3\nAttributes = A lrwxrwxrwx\nLink = \n\n',
  ].join('')
  assert.deepEqual(
    parse(listing).map(({ path, kind, target }) => [path, kind, target]),
    [
      ['relative', 'link', 'd\\x'],
      ['absolute', 'link', 'C:\\WINDOWS'],
      ['junction', 'link', 'C:\\Users'],
      ['mounted', 'link', '\\\\?\\Volume{0c6c5a7e}\\'],
      ['linux', 'link', 'a : b'],
      ['deduplicated', 'other', undefined],
      ['cloud', 'folder', undefined],
      ['compressed', 'other', undefined],
      ['plain', 'file', undefined],
    ],
  )
})

test('no name makes an item or a property of its own', () => {
  const name = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 60 })
    .map((text) => text.replaceAll('\n', '_'))
  fc.assert(
    fc.property(name, (path) => {
      const items = parse(`Path = ${path}\nFolder = -\nSize = 1\n\n`)
      assert.equal(items.length, 1)
      assert.equal(items[0]!.path, new TextDecoder().decode(new TextEncoder().encode(path)))
      assert.equal(items[0]!.kind, 'file')
    }),
  )
})

test('sizes that no file can have are none', () => {
  for (const [text, size] of [
    ['', 0],
    ['-5', 0],
    ['x', 0],
    ['1e400', 0],
    ['18446744073709551615', Number.MAX_SAFE_INTEGER],
  ] as const)
    assert.equal(parse(`Path = a\nSize = ${text}\n\n`)[0]!.sizeBytes, size)
})
