import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { KiB } from '../base/index.ts'
import { createVhd, type Diagnosis, diagnose, doctorFor, openDiskChain } from '../disk/index.ts'
import { type MemoryStore, memoryStore } from '../disk/testing.ts'
import { createDiskFile } from './disk-create.ts'
import { inspectDisk } from './disk-inspect.ts'
import { claimDiskFile, claimDiskFiles } from './disk-locks.ts'
import { examineDiskFile, performSurgery, takeBackRepair, takeBackUnfinished } from './disk-repair.ts'
import { openDiskFile } from './disks.ts'
import { backupOf, saveUnfinished, takeBack, unfinishedBackupOf } from './repair-backup.ts'

const folder = mkdtempSync(join(tmpdir(), 'vivarium-repair-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const BLOCK = 4 * KiB
const BAT = 0x600

function disk(): MemoryStore {
  const store = memoryStore(undefined, 'crash.vhd')
  createVhd(store, {
    ...{ type: 'dynamic', sizeBytes: 32 * KiB, blockSize: BLOCK },
    ...{ id: new Uint8Array(16).fill(3), time: new Date('2005-01-01') },
  })
  const opened = openDiskChain([store], [], { writable: true })
  opened.write(0, new Uint8Array(4 * BLOCK).fill(0x33))
  opened.close()
  return store
}

/** Overlaps, a block outside, a wrong header checksum, a lost tail footer. */
function damage(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer)
  view.setUint32(BAT + 4, view.getUint32(BAT))
  view.setUint32(BAT + 12, 0xffff00)
  bytes.fill(1, 512 + 36, 512 + 40)
  return bytes.subarray(0, -512)
}

function examined(store: MemoryStore): Diagnosis {
  const steps = diagnose(store, doctorFor(store)!, { deep: true, newId: () => new Uint8Array(16) })
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

test('a repair of a file that was changed since is not taken back', () => {
  const initial = damage(disk().bytes())
  const { surgery } = examined(memoryStore(initial, 'crash.vhd'))
  const backup = backupOf(surgery, 'crash.vhd', 'repair', new Date(0))
  const store = memoryStore(initial, 'crash.vhd')
  surgery.perform(store)
  const copied = surgery.acts.find(({ kind }) => kind === 'copy')!
  for (const at of [512 + 36, BAT + 5, copied.offset + 1000, store.size()]) {
    const touched = memoryStore(store.bytes(), 'crash.vhd')
    touched.write(at, Uint8Array.of(0x99))
    const before = touched.bytes()
    assert.throws(() => takeBack(touched, backup, true), { code: 'repair-file-changed' })
    assert.deepEqual(touched.bytes(), before)
  }
})

async function planned(path: string) {
  const found = await examineDiskFile(path, { deep: true, newId: () => new Uint8Array(16) })
  assert.ok(found)
  return found
}

test('files: the backup is there first, and tells what was; an unfinished one is taken back by the next repair', async () => {
  const path = join(folder, `${'n'.repeat(240)}.vhd`)
  const initial = Buffer.from(damage(disk().bytes()))
  writeFileSync(path, initial)
  const first = await planned(path)
  const backup = performSurgery(path, first.surgery, 'repair', new Date('2026-01-02T03:04:05Z'))
  first.close()
  assert.match(basename(backup), /\.repair-backup-20260102T030405000Z\.json$/)
  assert.deepEqual((await planned(path)).surgery.acts, [])
  assert.equal(takeBackRepair(path), backup)
  assert.ok(readFileSync(path).equals(initial))
  assert.ok(!existsSync(backup))
  assert.throws(() => takeBackRepair(path), { code: 'repair-backup-missing' })

  const second = await planned(path)
  saveUnfinished(path, backupOf(second.surgery, path, 'repair', new Date()))
  const half = Buffer.from(initial)
  const range = second.surgery.changedRanges()[0]!
  half.set(range.after, range.offset)
  writeFileSync(path, half)
  second.close()
  const unfinished = unfinishedBackupOf(path)
  assert.ok(unfinished)
  assert.ok(inspectDisk(path).problems.some(({ code }) => code === 'repair-not-ended'))
  assert.throws(() => openDiskFile(path, { writable: true }), { code: 'repair-not-ended' })
  assert.throws(() => createDiskFile(`${path}.child`, { subformat: 'differencing', parent: path }), {
    code: 'repair-not-ended',
  })
  openDiskFile(path).close()
  assert.equal(takeBackUnfinished(path), unfinished)
  assert.equal(takeBackUnfinished(path), undefined)
  claimDiskFile(path, 'w').release()
  assert.ok(readFileSync(path).equals(initial))
  assert.equal(readdirSync(folder).length, 1)
})

test('a backup of another file, or none at all, is refused', () => {
  const path = join(folder, 'other.vhd')
  writeFileSync(path, disk().bytes())
  const wrong = join(folder, 'other.vhd.repair-backup-x.json')
  writeFileSync(wrong, '{"kind":"something"}')
  assert.throws(() => takeBackRepair(path, wrong), { code: 'repair-backup-invalid' })
  writeFileSync(wrong, 'no JSON')
  assert.throws(() => takeBackRepair(path), { code: 'repair-backup-invalid' })
})

const corpus = process.env.VIVARIUM_CORPUS ?? resolve(import.meta.dirname, '../../../shared/corpus')

for (const name of ['cosmos-hda.vhd', 'ext2.vhd', 'fat-differential.vhd', 'fat-parent.vhd', 'ntfs-fixed.vhd'])
  test(`a copy of ${name} with wrong checksums gets its own bytes back`, async (t) => {
    const original = join(corpus, 'vhd', name)
    if (!existsSync(original)) return t.skip('corpus not here: set VIVARIUM_CORPUS')
    const bytes = readFileSync(original)
    const path = join(folder, name)
    const broken = Buffer.from(bytes)
    broken.writeUInt32BE(0x1234, broken.length - 512 + 64)
    if (broken.toString('latin1', 0, 8) === 'conectix') {
      broken.writeUInt32BE(0x1234, 64)
      broken.writeUInt32BE(0x1234, 512 + 36)
    }
    writeFileSync(path, broken)
    const found = await planned(path)
    assert.deepEqual(
      found.remaining.filter(({ severity }) => severity !== 'note'),
      [],
    )
    performSurgery(path, found.surgery, 'repair')
    found.close()
    assert.ok(readFileSync(path).equals(bytes))
  })

test('what a guest wrote on a raw disk is not repaired as an image, unless it is said to be one', async () => {
  const store = memoryStore(undefined, 'child.vhd')
  createVhd(store, {
    ...{ type: 'differencing', sizeBytes: 32 * KiB, blockSize: BLOCK },
    ...{ id: new Uint8Array(16).fill(4), time: new Date('2005-01-01') },
    parent: { id: '03030303-0303-0303-0303-030303030303', stamp: 0, absolutePath: '/etc/hostname' },
  })
  const bytes = store.bytes()
  // The copy of the footer differs, which a repair of a VHD would put right.
  bytes[100] = bytes[100]! ^ 1
  for (const [name, acts] of [
    ['raw.img', undefined],
    ['vhd.vhd', 1],
  ] as const) {
    const path = join(folder, name)
    writeFileSync(path, bytes)
    const found = await examineDiskFile(path, { deep: true })
    found?.close()
    assert.equal(found?.surgery.acts.length, acts, name)
  }
  const named = await examineDiskFile(join(folder, 'raw.img'), { deep: true, format: 'vhd' })
  named?.close()
  assert.equal(named?.surgery.acts.length, 1)
})

test('what is said to be the content of a fixed VHD gets a footer, under any name; another format does not', async () => {
  const path = join(folder, 'content.bin')
  writeFileSync(path, new Uint8Array(4096).fill(7))
  assert.equal(await examineDiskFile(path, { deep: true }), undefined)
  const found = await examineDiskFile(path, { deep: true, fixed: true })
  found?.close()
  assert.equal(found?.surgery.size, 4096 + 512)
  const other = join(folder, 'other.vhd')
  writeFileSync(other, `QFI\xfb\0\0\0\x03${'\0'.repeat(600)}`, 'latin1')
  await assert.rejects(examineDiskFile(other, { deep: true, fixed: true }), { code: 'repair-not-fixed' })
})

test('nobody writes above a disk whose repair was begun and not ended; reading it is told', async () => {
  const place = mkdtempSync(join(folder, 'below-'))
  const [base, child, top] = ['base.vhd', 'child.vhd', 'top.vhd'].map((name) => join(place, name)) as [
    string,
    string,
    string,
  ]
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: 4 << 20 })
  createDiskFile(child, { subformat: 'differencing', parent: base })
  createDiskFile(top, { subformat: 'differencing', parent: child })
  const whole = readFileSync(base)
  writeFileSync(base, whole.subarray(0, -512))
  const found = await planned(base)
  saveUnfinished(base, backupOf(found.surgery, base, 'repair', new Date()))
  found.close()
  for (const path of [child, top]) {
    const refusal = { kind: 'conflict', code: 'repair-not-ended', where: { path: base } }
    assert.throws(() => openDiskFile(path, { writable: true }), refusal)
    const claimed = () =>
      claimDiskFiles([path, base].map((file, index) => ({ path: file, mode: index ? 'r' : 'w' })))
    assert.throws(claimed, refusal)
    openDiskFile(path).close()
    assert.ok(inspectDisk(path).problems.some(({ code }) => code === 'repair-not-ended'))
  }
  takeBackUnfinished(base)
  writeFileSync(base, whole)
  openDiskFile(top, { writable: true }).close()
})

test('a backup that no repair has made is refused, and changes nothing', async () => {
  const place = mkdtempSync(join(folder, 'forged-'))
  const path = join(place, 'disk.vhd')
  writeFileSync(path, damage(disk().bytes()))
  const found = await planned(path)
  const made = performSurgery(path, found.surgery, 'repair')
  found.close()
  const real = JSON.parse(readFileSync(made, 'utf8'))
  const whole = readFileSync(path)
  const [first] = real.ranges
  const forged: Record<string, unknown> = {
    'of another file': { ...real, file: '../disk.vhd' },
    'with bytes behind the end': { ...real, ranges: [{ offset: 2 ** 52, before: 'AAAA', after: '' }] },
    'that writes behind the end': { ...real, ranges: [{ ...first, offset: real.sizeBefore }] },
    'with one range on another': { ...real, ranges: [first, first] },
    'of a disk without end': { ...real, sizeBefore: 2 ** 52 },
    'with more zeroes than memory': {
      ...{ ...real, sizeBefore: 2 ** 40, sizeAfter: 2 ** 40 },
      ranges: [{ offset: 0, before: { zeroes: 2 ** 40 }, after: '' }],
    },
    'with something added elsewhere': { ...real, added: [{ offset: 0, length: 2 ** 52, sha256: '' }] },
    'with a negative offset': { ...real, ranges: [{ ...first, offset: -1 }] },
    'that is no document': '{',
  }
  for (const [name, content] of Object.entries(forged)) {
    const backup = join(place, 'forged.json')
    writeFileSync(backup, typeof content === 'string' ? content : JSON.stringify(content))
    assert.throws(() => takeBackRepair(path, backup), { code: 'repair-backup-invalid' }, name)
    assert.ok(readFileSync(path).equals(whole), name)
    rmSync(backup)
  }
  for (const strange of ['/dev/zero', place])
    assert.throws(() => takeBackRepair(path, strange), { code: 'repair-backup-invalid' }, strange)
})

test('a backup may lie on another file system', async (t) => {
  const elsewhere = '/dev/shm'
  if (!existsSync(elsewhere) || statSync(elsewhere).dev === statSync(folder).dev) {
    t.skip(`the host has no other file system at ${elsewhere}`)
    return
  }
  const moved = mkdtempSync(join(elsewhere, 'vivarium-backup-'))
  t.after(() => rmSync(moved, { recursive: true, force: true }))
  const path = join(mkdtempSync(join(folder, 'moved-')), 'disk.vhd')
  const initial = damage(disk().bytes())
  writeFileSync(path, initial)
  const found = await planned(path)
  const made = performSurgery(path, found.surgery, 'repair')
  found.close()
  copyFileSync(made, join(moved, 'backup.json'))
  rmSync(made)
  takeBackRepair(path, join(moved, 'backup.json'))
  assert.ok(readFileSync(path).equals(Buffer.from(initial)))
  assert.deepEqual([readdirSync(moved), readdirSync(join(path, '..'))], [[], ['disk.vhd']])
})
