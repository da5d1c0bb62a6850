import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { resolveReference } from './machine-references.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'vivarium-references-')))
after(() => rmSync(folder, { recursive: true }))
for (const name of ['vm', 'Disks', 'outside']) mkdirSync(join(folder, name))
for (const name of ['vm/Beside.VHD', 'Disks/Base.vhd', 'outside/secret.vhd'])
  writeFileSync(join(folder, name), '')
const vmc = join(folder, 'vm/xp.vmc')
const roots = [join(folder, 'vm'), join(folder, 'Disks')]

const found = (absolute: string, relative: string, allowed?: readonly string[]) => {
  const { path, foundBy, problem } = resolveReference({ absolute, relative }, vmc, { roots: allowed })
  return path === undefined ? problem?.code : `${foundBy} ${path.slice(folder.length + 1)}`
}

test('a file is found relative, absolute and beside, whatever the case', () => {
  assert.equal(found('', '.\\Beside.VHD'), 'relative vm/Beside.VHD')
  assert.equal(found('', '..\\DISKS\\base.VHD'), 'relative Disks/Base.vhd')
  assert.equal(found(join(folder, 'disks/BASE.vhd'), '.\\no.vhd'), 'absolute Disks/Base.vhd')
  assert.equal(found('C:\\Old\\beside.vhd', ''), 'beside vm/Beside.VHD')
  assert.equal(found('C:\\Old\\gone.vhd', '.\\gone.vhd'), 'file-missing')
  assert.deepEqual(resolveReference({ relative: 'gone.vhd' }, vmc).tried, [join(folder, 'vm/gone.vhd')])
  assert.equal(found('', ''), 'file-missing')
})

test('an exact name goes before another case of it', () => {
  writeFileSync(join(folder, 'vm/two.vhd'), '')
  writeFileSync(join(folder, 'vm/TWO.vhd'), '')
  assert.equal(found('', 'two.vhd'), 'relative vm/two.vhd')
  assert.equal(found('', 'Two.vhd'), 'relative vm/TWO.vhd')
})

test('only files below the roots are found, symbolic links followed', () => {
  symlinkSync(join(folder, 'outside/secret.vhd'), join(folder, 'vm/link.vhd'))
  symlinkSync(join(folder, 'Disks'), join(folder, 'vm/disks'))
  assert.equal(found('', '..\\Disks\\Base.vhd', roots), 'relative Disks/Base.vhd')
  assert.equal(found('', '..\\outside\\secret.vhd', roots), 'outside-roots')
  assert.equal(found('', 'link.vhd', roots), 'outside-roots')
  assert.equal(found('', 'link.vhd'), 'relative outside/secret.vhd')
  assert.equal(found('', 'disks\\base.vhd', roots), 'relative Disks/Base.vhd')
  assert.equal(
    found(join(folder, 'vm'), '', [join(folder, 'v')]),
    'outside-roots',
    'a prefix is not a folder',
  )
  assert.equal(found('', 'Beside.VHD', ['/']), 'relative vm/Beside.VHD')
  assert.equal(found('', 'Beside.VHD', []), 'outside-roots')
})

test('a place that is refused does not end the search', () => {
  writeFileSync(join(folder, 'vm/secret.vhd'), '')
  assert.equal(found('', '..\\outside\\secret.vhd', roots), 'beside vm/secret.vhd')
})

test('folders, pipes and devices are no images', () => {
  execFileSync('mkfifo', [join(folder, 'vm/pipe.vhd')])
  assert.equal(found('', 'pipe.vhd'), 'not-a-regular-file')
  assert.equal(found('', '..\\Disks'), 'not-a-regular-file')
  assert.equal(found('/dev/null', ''), 'not-a-regular-file')
})
