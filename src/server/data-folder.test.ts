import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, suite, test } from 'node:test'
import { dataFolderAt, defaultDataFolder, makeDataFolder } from './data-folder.ts'
import { inspectFile } from './inspection.ts'

suite('data folder', () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'data-')))
  const names = ['HOME', 'TMPDIR', 'VIVARIUM_DATA', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR']
  const before = names.map((name) => [name, process.env[name]] as const)
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
  after(() => rmSync(root, { recursive: true }))

  test('reached through a link, it is known by its real path', () => {
    process.env.XDG_RUNTIME_DIR = root
    mkdirSync(join(root, 'real'))
    symlinkSync(join(root, 'real'), join(root, 'link'))
    const made = makeDataFolder(dataFolderAt(join(root, 'link')))
    assert.deepEqual(made, makeDataFolder(dataFolderAt(join(root, 'real'))))
    assert.equal(made.library, join(root, 'real', 'Virtual Machines'))
    assert.equal(made.undo, join(root, 'real', 'undo'))
    assert.equal(statSync(made.run).mode & 0o777, 0o700)
  })

  test('a run folder that somebody else put there is refused', () => {
    process.env.XDG_RUNTIME_DIR = root
    const folder = dataFolderAt(join(root, 'caught'))
    mkdirSync(join(root, 'elsewhere'), { mode: 0o700 })
    symlinkSync(join(root, 'elsewhere'), folder.run)
    assert.throws(() => makeDataFolder(folder), { code: 'folder-not-private', where: { path: folder.run } })
  })

  test('where the path of a socket would be too long, or the folder is not ours, /tmp serves', () => {
    const long = join(root, 'x'.repeat(90))
    mkdirSync(long)
    Object.assign(process.env, { XDG_RUNTIME_DIR: long, TMPDIR: long })
    assert.match(dataFolderAt(root).run, /^\/tmp\/vivarium-\d+-[0-9a-f]{8}$/)
    Object.assign(process.env, { XDG_RUNTIME_DIR: '', TMPDIR: '/nowhere' })
    assert.match(dataFolderAt(root).run, /^\/tmp\/vivarium-/)
  })

  test('an empty HOME is not the root', () => {
    Object.assign(process.env, { HOME: '', XDG_DATA_HOME: '', VIVARIUM_DATA: '' })
    assert.equal(defaultDataFolder(), join(userInfo().homedir, '.local', 'share', 'vivarium'))
  })

  test('inspecting a pipe, a folder or nothing answers at once', (t) => {
    const options = { roots: [root] }
    assert.throws(() => inspectFile(root, options), { code: 'is-a-folder' })
    assert.throws(() => inspectFile(join(root, 'none'), options), { kind: 'not-found' })
    const pipe = join(root, 'pipe.vmc')
    try {
      execFileSync('mkfifo', [pipe])
    } catch {
      return t.skip('mkfifo is not here')
    }
    assert.throws(() => inspectFile(pipe, options), { code: 'not-a-regular-file', where: { path: pipe } })
  })
})
