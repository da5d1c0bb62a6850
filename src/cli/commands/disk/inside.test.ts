import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { floppy, runIn } from '../../testing.ts'

const root = realpathSync(mkdtempSync(join(tmpdir(), 'vivarium-cli-inside-')))
after(() => rmSync(root, { recursive: true, force: true }))
writeFileSync(join(root, 'blank.raw'), new Uint8Array(1 << 20))
writeFileSync(join(root, 'empty.img'), floppy({ empty: true }))
writeFileSync(join(root, 'full.img'), floppy())
const disk = (...args: string[]) => runIn(root, ['disk', ...args])

test('the list of a disk without a file system, and of an empty one, say which they are', () => {
  const nothing = `vivarium: ${join(root, 'blank.raw')}: The disk holds no file system that can be read.`
  assert.deepEqual(disk('ls', 'blank.raw'), { code: 0, out: '', told: `${nothing}\n` })
  assert.deepEqual(disk('ls', 'empty.img'), { code: 0, out: '', told: 'vivarium: The volume is empty.\n' })
  assert.deepEqual(JSON.parse(disk('ls', '--json', 'blank.raw').out), { volumes: [] })
  const listed = JSON.parse(disk('ls', '--json', 'empty.img').out)
  assert.deepEqual(listed, { volume: 0, path: '/', entries: [], problems: [] })
  for (const args of [
    ['ls', 'blank.raw', '/nope'],
    ['cp', 'blank.raw', '/', 'out'],
  ]) {
    const { code, told } = disk(...args)
    assert.equal(code, 2)
    assert.equal(told, `${nothing} To see what is on it: vivarium inspect ${join(root, 'blank.raw')}\n`)
  }
})

test('a path in a disk works as the help says, and what is wrong with it names the disk', () => {
  for (const verb of ['ls', 'cp']) {
    const { out } = disk(verb, '--help')
    assert.match(out, /a disk without partitions is\nvolume 0/)
    assert.doesNotMatch(out, /always right/)
  }
  assert.match(disk('ls', 'full.img', '0:/').out, /README\.TXT/)
  assert.equal(disk('cp', 'full.img', '0:/README.TXT', 'readme').code, 0)
  assert.equal(readFileSync(join(root, 'readme'), 'utf8'), 'hello')
  const { code, told } = disk('ls', 'full.img', '1:/')
  assert.equal(code, 2)
  assert.equal(told, `vivarium: ${join(root, 'full.img')}: The disk has no volume 1. It has: 0.\n`)
})

test('disk cat has no --json, for it writes the bytes of the disk', () => {
  assert.doesNotMatch(disk('cat', '--help').out, /--json/)
  const { code, out } = disk('cat', '--json', 'full.img')
  assert.equal(code, 2)
  assert.equal(JSON.parse(out).error.code, 'usage')
})
