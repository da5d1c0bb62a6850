import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { MiB } from '../base/index.ts'
import { inspectMachineFile, openDiskFile } from '../system/index.ts'
import { type MachineToMake, makeMachine } from './machine-folder.ts'

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'vivarium-sample-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const bytes = Uint8Array.from({ length: 1024 }, (_, index) => index & 0xff)

function machine(change: Partial<MachineToMake> = {}): MachineToMake {
  return {
    name: 'Test',
    diskType: 'dynamic',
    memoryMB: 32,
    notes: 'a test',
    content: { sizeBytes: 4 * MiB, pieces: () => [{ offset: 3 * MiB, bytes }] },
    ...change,
  }
}

for (const diskType of ['fixed', 'dynamic', 'differencing'] as const) {
  test(`a machine with a ${diskType} disk: the machine file names the top, which shows the content`, async (t) => {
    const folder = newFolder(t)
    const built = await makeMachine(folder, machine({ diskType }))
    const report = inspectMachineFile(built.vmcPath)
    assert.ok(report.kind === 'machine')
    const [drive, cd] = report.disks
    assert.equal(drive?.resolvedPath, built.vhdPaths[0])
    assert.equal(cd?.kind, 'cd')
    assert.equal(built.vhdPaths.length, diskType === 'differencing' ? 2 : 1)
    const disk = openDiskFile(built.vhdPaths[0]!)
    const read = new Uint8Array(bytes.length)
    disk.read(3 * MiB, read)
    disk.close()
    assert.deepEqual(read, bytes)
    assert.equal(readdirSync(folder).length, built.vhdPaths.length + 1)
  })
}

test('nothing stays when the content fails or the work is cancelled', async (t) => {
  const folder = newFolder(t)
  const failing: MachineToMake['content'] = {
    sizeBytes: 4 * MiB,
    *pieces() {
      yield { offset: 0, bytes }
      throw new Error('the source went away')
    },
  }
  await assert.rejects(makeMachine(folder, machine({ content: failing })), /went away/)
  const controller = new AbortController()
  controller.abort()
  await assert.rejects(makeMachine(folder, machine({ signal: controller.signal })), { name: 'AbortError' })
  assert.deepEqual(readdirSync(folder), [])
})

test('files that exist are left alone', async (t) => {
  const folder = newFolder(t)
  writeFileSync(join(folder, 'Test.vmc'), 'mine')
  await assert.rejects(makeMachine(folder, machine()), { kind: 'conflict' })
  assert.ok(!existsSync(join(folder, 'Test.vhd')))
})

test('a name that leads out of the folder is refused', async (t) => {
  const folder = newFolder(t)
  for (const name of ['../x', '', '.hidden', 'a/b'])
    await assert.rejects(makeMachine(folder, machine({ name })), { code: 'sample-name' })
})
