import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB } from '../../../base/index.ts'
import { createDiskFile } from '../../../system/index.ts'
import { PROGRAM, runIn } from '../../testing.ts'

/** What is advised is done, word for word. */
const root = realpathSync(mkdtempSync(join(tmpdir(), 'vivarium-advice-')))
after(() => rmSync(root, { recursive: true, force: true }))

/** By a shell in which `vivarium` is this program. */
function doAsAdvised(folder: string, command: string): void {
  const vivarium = `vivarium() { '${process.execPath}' '${PROGRAM}' "$@"; }`
  execFileSync('sh', ['-ec', `${vivarium}\n${command}`], { cwd: folder })
}

for (const [args, again] of [
  [
    ['convert', 'my disk', 'new.vhdx'],
    ['convert', 'my disk.img', 'new.vhdx'],
  ],
  [
    ['ls', 'my disk'],
    ['ls', 'my disk.img'],
  ],
  [
    ['cat', 'my disk'],
    ['cat', 'my disk.img'],
  ],
  [
    ['clone', 'my disk', 'new.vhd'],
    ['clone', 'my disk.img', 'new.vhd'],
  ],
  [
    ['compare', 'my disk', 'my disk'],
    ['compare', 'my disk.img', 'my disk.img'],
  ],
  [['serve', 'my disk'], undefined],
  [
    ['create', '--parent', 'my disk', 'new.vhd'],
    ['create', '--parent', 'my disk.img', 'new.vhd'],
  ],
] as const)
  test(`disk ${args[0]} of a file that no format recognises advises what works`, () => {
    const folder = mkdtempSync(join(root, 'f-'))
    writeFileSync(join(folder, 'my disk'), new Uint8Array(MiB).fill(7))
    const { code, told } = runIn(folder, ['disk', ...args])
    assert.equal(code, 2)
    const [, rename, convert] =
      /plain image: (mv .*) lets it be read as one, and (.*) makes a disk/.exec(told) ?? []
    assert.ok(rename !== undefined && convert !== undefined, told)
    doAsAdvised(folder, convert)
    doAsAdvised(folder, rename)
    assert.equal(runIn(folder, ['disk', 'compare', 'NEW.vhd', 'my disk.img']).code, 0)
    if (again !== undefined) assert.equal(runIn(folder, ['disk', ...again]).code, 0)
  })

/** A chain top -> child -> base whose base is in another folder now. */
function chainWithoutBase(): { readonly folder: string; readonly child: string; readonly away: string } {
  const folder = mkdtempSync(join(root, 'f-'))
  const [base, child, top] = ['base.vhd', 'child.vhd', 'top.vhd'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: 4 * MiB })
  createDiskFile(child, { subformat: 'differencing', parent: base })
  createDiskFile(top, { subformat: 'differencing', parent: child })
  const away = join(folder, 'away')
  mkdirSync(away)
  renameSync(base, join(away, 'base.vhd'))
  return { folder, child, away }
}

for (const args of [['check'], ['disk', 'cat']])
  test(`${args.join(' ')} names the disk of the chain that lacks its parent, and how to find that`, () => {
    const { folder, child, away } = chainWithoutBase()
    const { out, told, code } = runIn(folder, [...args, 'top.vhd'])
    assert.notEqual(code, 0)
    const said = out + told
    assert.ok(said.includes(`The parent of ${child} is not there.`), said)
    const [, command = ''] = /let it be found: (vivarium .*) \(on the site/.exec(said) ?? []
    assert.ok(command.includes(child), said)
    doAsAdvised(folder, command.replace('FOLDER', away))
    assert.equal(runIn(folder, ['check', 'top.vhd']).code, 0)
  })

test('disk repair of a sound file says what is wrong with its chain, and ends as check does', () => {
  const { folder, child } = chainWithoutBase()
  const { code, out } = runIn(folder, ['disk', 'repair', 'top.vhd'])
  assert.equal(code, runIn(folder, ['check', 'top.vhd']).code)
  assert.equal(code, 1)
  assert.match(out, /^The file itself has no damage .* its chain is broken:\nERROR/)
  assert.ok(out.includes(`vivarium disk reparent ${child} --search FOLDER`), out)
})
