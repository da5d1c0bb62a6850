import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB, type Problem } from '../../base/index.ts'
import { createVmc, setUndoDisk, setUndoKept, setValue } from '../../machine/index.ts'
import {
  createDiskFile,
  factsOfFile,
  inspectMachineFile,
  openDiskFile,
  readMachineFile,
  removeMergeMarker,
  writeMachineFile,
  writeMergeMarker,
} from '../../system/index.ts'
import {
  createUndoDisks,
  discardUndoDisks,
  keepUndoDisks,
  type OperationControl,
  undoCommit,
  undoRecover,
  undoStatus,
} from '../index.ts'
import { merge } from '../merge.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-undo-'))
after(() => rmSync(root, { recursive: true, force: true }))
const ROOTS = [root]
const SIZE = 4 * MiB
const MOMENT = new Date('2007-03-04T05:06:07Z')

const control = (searchFolders: string[] = []): OperationControl => ({
  signal: new AbortController().signal,
  roots: ROOTS,
  searchFolders,
  progress: () => undefined,
  note: () => undefined,
})

/** A machine with two disks, each full of ones. */
function machine(): { at: string; vmc: string; disks: [string, string] } {
  const at = mkdtempSync(join(root, 'm-'))
  const disks: [string, string] = [join(at, 'c.vhd'), join(at, 'd.vhd')]
  for (const path of disks) {
    createDiskFile(path, { subformat: 'dynamic', sizeBytes: SIZE })
    write(path, 0, SIZE, 1)
  }
  const drive = (unit: number, name: string) => ({
    channel: 0,
    unit,
    kind: 'disk' as const,
    image: { relative: name },
  })
  const vmc = join(at, 'Old XP.vmc')
  const drives = [drive(0, '.\\c.vhd'), drive(1, '.\\d.vhd')]
  writeMachineFile(vmc, createVmc({ name: 'Old XP', memoryMB: 64, drives }))
  return { at, vmc, disks }
}

function write(path: string, offset: number, length: number, value: number): void {
  const disk = openDiskFile(path, { writable: true })
  disk.write(offset, new Uint8Array(length).fill(value))
  disk.close()
}

function byteAt(path: string, offset: number): number {
  const disk = openDiskFile(path)
  const into = new Uint8Array(1)
  disk.read(offset, into)
  disk.close()
  return into[0]!
}

const undoPaths = (vmc: string) => undoStatus(vmc, ROOTS).drives.map(({ undo }) => undo!)

test('undo disks are made beside the machine file, called and recorded as Virtual PC does', async () => {
  const { at, vmc } = machine()
  const { created } = await createUndoDisks(vmc, ROOTS, MOMENT)
  const names = [0, 1].map((unit) => `VirtualPCUndo_Old XP_0_${unit}_05060703042007.vud`)
  assert.deepEqual(
    created.map(({ undo }) => undo),
    names.map((name) => join(at, name)),
  )
  const text = Buffer.from(readFileSync(vmc)).toString('utf16le')
  assert.ok(text.includes(`<relative type="string">.\\${names[0]}</relative>`))
  assert.ok(text.includes(`<absolute type="string">${join(at, names[1]!)}</absolute>`))
  const report = inspectMachineFile(vmc)
  assert.ok(report.kind === 'machine' && report.undoEnabled)
  assert.deepEqual(
    report.disks.map(({ resolvedUndoPath }) => resolvedUndoPath),
    undoPaths(vmc),
  )
  assert.deepEqual(
    undoStatus(vmc, ROOTS).drives.map(({ state, allocated }) => [state, allocated]),
    [
      ['there', 0],
      ['there', 0],
    ],
  )
  assert.deepEqual((await createUndoDisks(vmc, ROOTS)).created, [])
})

test('a commit writes the changes down, and removes the undo disks and their records', async () => {
  const { at, vmc, disks } = machine()
  await createUndoDisks(vmc, ROOTS, MOMENT)
  const [c, d] = undoPaths(vmc)
  write(c!, MiB, 512, 5)
  write(d!, 2 * MiB, 512, 6)
  const { bytes } = await undoCommit.run({ machine: vmc }, control())
  assert.equal(bytes, 1024)
  assert.deepEqual([byteAt(disks[0], MiB), byteAt(disks[1], 2 * MiB), byteAt(disks[0], 0)], [5, 6, 1])
  assert.deepEqual(readdirSync(at).sort(), ['Old XP.vmc', 'c.vhd', 'd.vhd'])
  assert.deepEqual(
    undoStatus(vmc, ROOTS).drives.map(({ state }) => state),
    ['none', 'none'],
  )
  await assert.rejects(undoCommit.run({ machine: vmc }, control()), { code: 'no-undo-disks' })
  await assert.rejects(discardUndoDisks(vmc, ROOTS), { code: 'no-undo-disks', next: /^There is nothing to/ })
})

test('an undo disk that is merged as any other disk leaves its record, which is told', async () => {
  const { vmc, disks } = machine()
  await createUndoDisks(vmc, ROOTS, MOMENT)
  const [undo] = undoPaths(vmc)
  write(undo!, 0, MiB, 9)
  const notes: Problem[] = []
  const told = { ...control(), note: (problem: Problem) => notes.push(problem) }
  await merge.run(merge.schema.parse({ child: undo, deleteChild: true }), told)
  assert.equal(byteAt(disks[0], 0), 9)
  assert.deepEqual(
    notes.map(({ code, where }) => [code, where?.path]),
    [['undo-record-left', vmc]],
  )
  await discardUndoDisks(vmc, ROOTS)
  assert.deepEqual(
    [byteAt(disks[0], 0), undoStatus(vmc, ROOTS).drives.map(({ state }) => state)],
    [9, ['none', 'none']],
  )
})

test('a discard removes no file that is not an undo disk of the machine, whatever the machine file names', async () => {
  const { at, vmc, disks } = machine()
  const other = machine()
  const [foreign] = (await createUndoDisks(other.vmc, ROOTS)).created
  const clone = join(at, 'clone.vhd')
  createDiskFile(clone, { subformat: 'differencing', parent: disks[1] })
  const { document } = readMachineFile(vmc)
  setUndoDisk(document, 0, 0, { absolute: foreign!.undo })
  setUndoDisk(document, 0, 1, { relative: '.\\clone.vhd' })
  writeMachineFile(vmc, document)
  const { drives, problems = [] } = await discardUndoDisks(vmc, ROOTS)
  assert.deepEqual(drives, [])
  assert.deepEqual(
    problems.map(({ code, where }) => [code, where?.path]),
    [
      ['undo-not-own', foreign!.undo],
      ['undo-not-own', clone],
    ],
  )
  assert.ok(existsSync(foreign!.undo) && existsSync(clone))
  assert.deepEqual(undoPaths(vmc), [undefined, undefined])
})

test('a discard leaves the disks as they were; keeping says that it is meant', async () => {
  const { at, vmc, disks } = machine()
  await createUndoDisks(vmc, ROOTS, MOMENT)
  write(undoPaths(vmc)[0]!, 0, 512, 5)
  const { document } = readMachineFile(vmc)
  setUndoKept(document, false)
  writeMachineFile(vmc, document)
  assert.equal(keepUndoDisks(vmc, ROOTS).drives.length, 2)
  assert.ok(
    Buffer.from(readFileSync(vmc)).toString('utf16le').includes('<purposely_kept type="boolean">true<'),
  )
  assert.equal(undoPaths(vmc).length, 2)
  await discardUndoDisks(vmc, ROOTS)
  assert.equal(byteAt(disks[0], 0), 1)
  assert.deepEqual(readdirSync(at).sort(), ['Old XP.vmc', 'c.vhd', 'd.vhd'])
})

test('nothing is decided over a running or a saved machine, or an undo disk that is away', async () => {
  const { at, vmc, disks } = machine()
  const running = openDiskFile(disks[0], { writable: true })
  await assert.rejects(createUndoDisks(vmc, ROOTS), { code: 'disk-in-use' })
  running.close()
  await createUndoDisks(vmc, ROOTS, MOMENT)
  const [c] = undoPaths(vmc)
  const guest = openDiskFile(c!, { writable: true })
  assert.equal(undoStatus(vmc, ROOTS).drives[0]!.state, 'in-use')
  await assert.rejects(undoCommit.run({ machine: vmc }, control()), { code: 'disk-in-use' })
  await assert.rejects(discardUndoDisks(vmc, ROOTS), { code: 'disk-in-use' })
  guest.close()
  renameSync(c!, `${c}.away`)
  await assert.rejects(undoCommit.run({ machine: vmc }, control()), { code: 'undo-missing' })
  await assert.rejects(createUndoDisks(vmc, ROOTS), { code: 'undo-missing' })
  renameSync(`${c}.away`, c!)
  const { document } = readMachineFile(vmc)
  setValue(document, 'settings/configuration/saved_state/path/relative', 'string', '.\\Old XP.vsv')
  writeMachineFile(vmc, document)
  for (const attempt of [undoCommit.run({ machine: vmc }, control()), discardUndoDisks(vmc, ROOTS)])
    await assert.rejects(attempt, { code: 'machine-saved' })
  assert.equal(readdirSync(at).filter((name) => name.endsWith('.vud')).length, 2)
})

test('a commit that was begun is not thrown away, and one that lost only its record is ended', async () => {
  const { vmc, disks } = machine()
  await createUndoDisks(vmc, ROOTS, MOMENT)
  const [c, d] = undoPaths(vmc)
  const targetId = factsOfFile(disks[0]).id
  writeMergeMarker(disks[0], { state: 'merging', targetId, child: c! })
  await assert.rejects(discardUndoDisks(vmc, ROOTS), { code: 'undo-half-committed' })
  removeMergeMarker(disks[0])
  // Killed behind the removal of the file: the mark proves that nothing is lost.
  writeMergeMarker(disks[0], { state: 'merged', targetId, child: c! })
  rmSync(c!)
  assert.deepEqual(
    undoStatus(vmc, ROOTS).drives.map(({ state }) => state),
    ['committed', 'there'],
  )
  write(d!, 0, 512, 8)
  await undoCommit.run({ machine: vmc }, control())
  assert.deepEqual(
    undoStatus(vmc, ROOTS).drives.map(({ state }) => state),
    ['none', 'none'],
  )
  assert.equal(byteAt(disks[1], 0), 8)
})

test('what a kill left before the record was made is empty, and goes with the next undo disks', async () => {
  const { at, vmc, disks } = machine()
  const left = join(at, 'VirtualPCUndo_Old XP_0_0_01010101012007.vud')
  const used = join(at, 'VirtualPCUndo_Old XP_0_1_01010101012007.vud')
  createDiskFile(left, { subformat: 'differencing', parent: disks[0] })
  createDiskFile(used, { subformat: 'differencing', parent: disks[1] })
  write(used, 0, 512, 9)
  assert.deepEqual([...undoStatus(vmc, ROOTS).orphans].sort(), [left, used])
  await createUndoDisks(vmc, ROOTS, MOMENT)
  assert.deepEqual([existsSync(left), existsSync(used)], [false, true])
})

test('an orphan finds its disk and its machine, and is attached or committed', async () => {
  const { at, vmc, disks } = machine()
  await createUndoDisks(vmc, ROOTS, MOMENT)
  const [c] = undoPaths(vmc)
  write(c!, 0, 512, 4)
  const { document } = readMachineFile(vmc)
  for (const unit of [0, 1]) setUndoDisk(document, 0, unit, undefined)
  writeMachineFile(vmc, document)
  // Moved away, and the disk renamed: only its id leads back.
  const away = mkdtempSync(join(root, 'away-'))
  const orphan = join(away, c!.split('/').at(-1)!)
  renameSync(c!, orphan)
  const lost = await undoRecover.run({ undo: orphan, attach: false, commit: false }, control())
  assert.deepEqual([lost.base, lost.machine, lost.name?.machine], [disks[0], undefined, 'Old XP'])
  const found = await undoRecover.run({ undo: orphan, attach: true, commit: false }, control([at]))
  assert.deepEqual([found.base, found.machine, found.place, found.recorded], [disks[0], vmc, 'IDE 0:0', true])
  assert.equal(undoStatus(vmc, ROOTS).drives[0]!.undo, orphan)
  const committed = await undoRecover.run({ undo: orphan, attach: false, commit: true }, control([at]))
  assert.equal(committed.recorded, true)
  assert.deepEqual([existsSync(orphan), byteAt(disks[0], 0)], [false, 4])
  assert.equal(undoStatus(vmc, ROOTS).drives[0]!.state, 'none')
})

test('a disk that was made on no other is no orphan', async () => {
  const { disks } = machine()
  for (const attach of [false, true])
    await assert.rejects(async () => undoRecover.run({ undo: disks[0], attach, commit: false }, control()), {
      kind: 'invalid',
      code: 'undo-no-parent',
    })
})

test('an orphan is found by id where its disk was moved and renamed, and warned about when that went on', async () => {
  const { vmc, disks } = machine()
  await createUndoDisks(vmc, ROOTS, MOMENT)
  const [c] = undoPaths(vmc)
  const elsewhere = mkdtempSync(join(root, 'elsewhere-'))
  mkdirSync(join(elsewhere, 'disks'))
  const moved = join(elsewhere, 'disks', 'renamed.vhd')
  renameSync(disks[0], moved)
  const later = new Date(Date.now() + 60_000)
  utimesSync(moved, later, later)
  const found = await undoRecover.run(
    { undo: c!, attach: false, commit: false },
    control([join(elsewhere, 'disks')]),
  )
  assert.equal(found.base, moved)
  assert.ok(found.problems.some(({ code }) => code === 'undo-older-than-disk'))
})

test('an undo disk on a disk with sectors of 4 KiB comes with a warning', async () => {
  const { at, vmc, disks } = machine()
  const large = join(at, 'large.vhdx')
  createDiskFile(large, { format: 'vhdx', subformat: 'dynamic', sizeBytes: SIZE, sectorSize: 4096 })
  const image = (name: string, unit: number) => ({
    channel: 0,
    unit,
    kind: 'disk' as const,
    image: { relative: name },
  })
  const drives = [image('.\\c.vhd', 0), image('.\\large.vhdx', 1)]
  writeMachineFile(vmc, createVmc({ name: 'Old XP', memoryMB: 64, drives }))
  const { created, problems } = await createUndoDisks(vmc, ROOTS)
  assert.deepEqual(
    created.map(({ base }) => base),
    [disks[0], large],
  )
  assert.deepEqual(
    problems.map(({ code, severity, where }) => [code, severity, where?.path]),
    [['sector-size-lost', 'warning', large]],
  )
})
