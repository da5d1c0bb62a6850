import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Problem } from '../../base/index.ts'
import { copyOut } from '../copy-out.ts'
import { openInside } from './inside.ts'

const SECTOR = 512
const [FIRST_TABLE, SECOND_TABLE, ROOT, DATA] = [1, 2, 3, 4].map((sector) => sector * SECTOR) as [
  number,
  number,
  number,
  number,
]
/** In clusters 2, 4 and 3, one behind the other: only the table knows. */
const TEXT = 'a'.repeat(SECTOR) + 'b'.repeat(SECTOR) + 'c'.repeat(100)
const TABLE = [0xf8, 0xff, 0xff, 0x04, 0xf0, 0xff, 0x03, 0x00, 0x00]

/** A FAT12 of 64 KiB with two tables and a file. */
function floppy(): Buffer {
  const image = Buffer.alloc(64 << 10)
  image.write('\xeb\x3c\x90VIVARIUM\0\x02\x01\x01\0\x02\x10\0\x80\0\xf8\x01\0\x01\0\x01\0', 'latin1')
  image.writeUInt16LE(0xaa55, 510)
  for (const at of [FIRST_TABLE, SECOND_TABLE]) image.set(TABLE, at)
  image.write('README  TXT ', ROOT, 'latin1')
  image.writeUInt16LE(2, ROOT + 26)
  image.writeUInt32LE(TEXT.length, ROOT + 28)
  const clusterAt = (cluster: number) => DATA + (cluster - 2) * SECTOR
  for (const [index, cluster] of [2, 4, 3].entries())
    image.write(TEXT.slice(index * SECTOR, (index + 1) * SECTOR), clusterAt(cluster), 'latin1')
  return image
}

const folder = mkdtempSync(join(tmpdir(), 'vivarium-damaged-fat-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let made = 0

/** The text of the file, and what was said of the volume when it was listed and when it was copied. */
async function readmeOf(image: Uint8Array) {
  const path = join(folder, `${++made}.ima`)
  writeFileSync(path, image)
  const inside = openInside(path, { roots: [folder] })
  const { entries, problems } = await inside.list(0, '').finally(() => inside.close())
  const target = `${path}.txt`
  const notes: Problem[] = []
  await copyOut.run(copyOut.schema.parse({ path, inside: entries[0]!.name, target }), {
    roots: [folder],
    signal: new AbortController().signal,
    progress: () => undefined,
    note: (note) => notes.push(note),
  })
  assert.deepEqual(
    notes.map(({ message }) => message),
    problems,
  )
  return { text: readFileSync(target, 'latin1'), problems }
}

const SECOND_READ = 'The first file allocation table is damaged; the second is read.'
const FIRST_READ = 'The two file allocation tables differ; the first is read.'
const READ_AS_IF =
  'The file allocation table begins with 0x00 where the media byte 0xf8 should be; it is read as if that were there.'

const damages: readonly [what: string, damage: (image: Buffer) => void, problems: string[]][] = [
  ['nothing', () => undefined, []],
  ['an erased first table', (image) => image.fill(0, FIRST_TABLE, SECOND_TABLE), [SECOND_READ]],
  [
    'a first table that leads beyond the volume',
    (image) => image.set([0xef, 0xfe, 0xef], FIRST_TABLE + 3),
    [SECOND_READ],
  ],
  [
    'a first table with a gap in a chain',
    (image) => image.fill(0, FIRST_TABLE + 6, SECOND_TABLE),
    [SECOND_READ],
  ],
  ['an erased second table', (image) => image.fill(0, SECOND_TABLE, ROOT), [FIRST_READ]],
  [
    'two tables without a start',
    (image) => {
      for (const at of [FIRST_TABLE, SECOND_TABLE]) image.fill(0, at, at + 3)
    },
    [READ_AS_IF],
  ],
]
for (const [what, damage, expected] of damages) {
  test(`a FAT volume with ${what} gives its files, and says what is wrong`, async () => {
    const image = floppy()
    damage(image)
    const { text, problems } = await readmeOf(image)
    assert.equal(text, TEXT)
    assert.deepEqual(problems, expected)
  })
}

const corpus = process.env.VIVARIUM_CORPUS ?? ''
const techos = join(corpus, 'vfd/techos.ima')
const skip = existsSync(techos) ? false : 'corpus not here: set VIVARIUM_CORPUS'

test('the floppy of TechOS, whose tables begin with zeroes, is listed', { skip }, async () => {
  const inside = openInside(techos, { roots: [corpus] })
  const { entries, problems } = await inside.list(0, '').finally(() => inside.close())
  // As many as mdir shows.
  assert.equal(entries.length, 43)
  assert.match(problems.join(), /begins with 0x00 where the media byte 0xf0 should be/)
})
