import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { problemOf } from './complaints.ts'
import { openInside } from './inside.ts'

/** A boot sector of a FAT12 floppy, from its jump to its signature, whose tables are too short for its clusters. */
function floppyWithShortTables(): Uint8Array {
  const image = new Uint8Array(2880 * 512)
  const view = new DataView(image.buffer)
  image.set([0xeb, 0x3c, 0x90])
  image.set(new TextEncoder().encode('TECHBOOT'), 3)
  view.setUint16(11, 512, true)
  image.set([1, 1, 0, 2], 13)
  view.setUint16(17, 224, true)
  view.setUint16(19, 2880, true)
  image[21] = 0xf0
  view.setUint16(22, 1, true)
  view.setUint16(24, 18, true)
  view.setUint16(26, 2, true)
  image.set([0x55, 0xaa], 510)
  return image
}

test('a volume that cannot be read at all is told of in a sentence', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vivarium-complaints-'))
  const path = join(folder, 'floppy.ima')
  writeFileSync(path, floppyWithShortTables())
  // In a process of its own, as always: 7-Zip sets the exit code of the one that it runs in.
  const inside = openInside(path, { roots: [folder] })
  try {
    await assert.rejects(inside.list(0, ''), {
      code: 'inside-damaged',
      message: 'The file system looks like FAT, and cannot be read as such.',
    })
  } finally {
    inside.close()
    rmSync(folder, { recursive: true })
  }
})

test('what the reader complains of is told once, in our words for the volume', () => {
  const messageOf = (...errors: string[]) => problemOf({ code: 2, errors, excused: 0, trouble: {} })?.message
  const begin = 'Not all of the file system can be read'
  assert.equal(messageOf('ERROR: Data Error : a.txt', 'Sub items Errors: 1'), `${begin}: Data Error : a.txt.`)
  assert.equal(messageOf('ERROR: /in/volume : Headers Error'), `${begin}: the volume : Headers Error.`)
  assert.equal(messageOf('ERROR: /in/volume', '/in/volume', '--'), `${begin}.`)
  assert.equal(messageOf('ERROR: Dangerous link path was ignored : l'), undefined)
})
