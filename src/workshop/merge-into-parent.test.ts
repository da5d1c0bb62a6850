import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB } from '../base/index.ts'
import { createQcow2, createVhdx } from '../disk/index.ts'
import {
  createDiskFile,
  factsOfFile,
  inspectDisk,
  mergeMarkerPath,
  openDiskFile,
  openFileStore,
  readMergeMarker,
  writeMergeMarker,
} from '../system/index.ts'
import { merge, mergeIntoParent } from './index.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-merge-'))
after(() => rmSync(root, { recursive: true, force: true }))
const SIZE = 8 * MiB

const folder = () => mkdtempSync(join(root, 'f-'))
const control = (notes: string[] = []) => ({
  signal: new AbortController().signal,
  roots: [root],
  progress: () => undefined,
  note: ({ code }: { code: string }) => notes.push(code),
})

function write(path: string, offset: number, length: number, value: number): void {
  const disk = openDiskFile(path, { writable: true })
  if (value === 0) disk.writeZeroes(offset, length)
  else disk.write(offset, new Uint8Array(length).fill(value))
  disk.close()
}

function contentOf(path: string): Buffer {
  const disk = openDiskFile(path)
  const all = Buffer.alloc(disk.sizeBytes)
  disk.read(0, all)
  disk.close()
  return all
}

/** base <- middle <- top, each with something of its own. */
function chainOfThree(at: string): { base: string; middle: string; top: string } {
  const [base, middle, top] = [join(at, 'base.vhd'), join(at, 'middle.vhd'), join(at, 'top.vhd')]
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: SIZE })
  write(base, 0, SIZE, 1)
  createDiskFile(middle, { subformat: 'differencing', parent: base })
  write(middle, MiB, 2 * MiB, 2)
  createDiskFile(top, { subformat: 'differencing', parent: middle })
  write(top, 2 * MiB + 512, MiB, 3)
  write(top, 5 * MiB, 4096, 0)
  return { base, middle, top }
}

test('what a child says to be zero is zero in its parent too', async () => {
  for (const make of [zeroedVhdx, zeroedQcow2]) {
    const { base, child } = make(folder())
    const before = contentOf(child)
    assert.equal(before[2 * MiB], 0)
    await mergeIntoParent([child, base])
    assert.deepEqual(contentOf(base), before)
  }
})

function zeroedVhdx(at: string) {
  const [base, child] = [join(at, 'base.vhdx'), join(at, 'child.vhdx')]
  createDisk(base, (store) => createVhdx(store, { sizeBytes: SIZE, type: 'dynamic', blockSize: MiB }))
  write(base, 0, SIZE, 7)
  const { id, diskId } = factsOfFile(base)
  createDisk(child, (store) =>
    createVhdx(store, {
      sizeBytes: SIZE,
      type: 'differencing',
      blockSize: MiB,
      parent: { id: id!, diskId: diskId!, sectorSize: 512, absolutePath: base, relativePath: '.\\base.vhdx' },
    }),
  )
  write(child, MiB, 3 * MiB, 0)
  return { base, child }
}

function zeroedQcow2(at: string) {
  const [base, child] = [join(at, 'base.qcow2'), join(at, 'child.qcow2')]
  createDisk(base, (store) => createQcow2(store, { sizeBytes: SIZE }))
  write(base, 0, SIZE, 7)
  createDisk(child, (store) =>
    createQcow2(store, { sizeBytes: SIZE, backing: { path: 'base.qcow2', format: 'qcow2' } }),
  )
  write(child, MiB, 3 * MiB, 0)
  return { base, child }
}

function createDisk(path: string, make: (store: ReturnType<typeof openFileStore>) => void): void {
  const store = openFileStore(path, { create: true })
  make(store)
  store.close()
}

test('several levels are carried down into the base, and removed only when all is there', async () => {
  const { base, middle, top } = chainOfThree(folder())
  const before = contentOf(top)
  const result = await merge.run({ child: top, into: base, deleteChild: true, force: false }, control())
  assert.deepEqual([result.into, result.superseded, result.deleted], [base, [top, middle], true])
  assert.deepEqual(contentOf(base), before)
  assert.deepEqual([existsSync(middle), existsSync(top)], [false, false])
  assert.deepEqual(readdirSync(join(base, '..')), ['base.vhd'])
})

test('a merge that would ruin other disks names them, and wants to be told', async () => {
  const at = folder()
  const { base, middle, top } = chainOfThree(at)
  const sibling = join(at, 'sibling.vhd')
  createDiskFile(sibling, { subformat: 'differencing', parent: base })
  const spec = { child: middle, deleteChild: false, force: false }
  await assert.rejects(merge.run(spec, control()), (error: Error) => error.message.includes(sibling))
  // What lies on the child itself is lost only when the child goes.
  rmSync(sibling)
  await assert.rejects(merge.run({ ...spec, deleteChild: true }, control()), { code: 'merge-loses-children' })
  const before = contentOf(top)
  const notes: string[] = []
  await merge.run(spec, control(notes))
  assert.deepEqual(notes, ['merge-child-kept'])
  assert.deepEqual(contentOf(top), before)
})

test('a disk with a half of a merge in it is not written by anybody else, and says so', async () => {
  const at = folder()
  const { base, middle, top } = chainOfThree(at)
  const other = join(at, 'other.vhd')
  createDiskFile(other, { subformat: 'differencing', parent: base })
  const stop = new AbortController()
  const stopped = mergeIntoParent([middle, base], { signal: stop.signal, onProgress: () => stop.abort() })
  // Quick hosts end it before the first pause: then the mark is made by hand.
  await stopped.catch((error: Error) => assert.equal(error.name, 'AbortError'))
  const { id: targetId } = factsOfFile(base)
  const { id: childId } = factsOfFile(middle)
  writeMergeMarker(base, { state: 'merging', targetId, child: middle, childId })
  assert.throws(() => openDiskFile(base, { writable: true }), { code: 'merge-not-ended' })
  openDiskFile(top, { writable: true }).close()
  assert.ok(inspectDisk(base).problems.some(({ code }) => code === 'merge-not-ended'))
  assert.throws(() => createDiskFile(join(at, 'new.vhd'), { subformat: 'differencing', parent: base }), {
    code: 'merge-not-ended',
  })
  await assert.rejects(mergeIntoParent([other, base]), { code: 'merge-not-ended' })
  const before = contentOf(top)
  await mergeIntoParent([middle, base])
  assert.equal(readMergeMarker(base), undefined)
  assert.deepEqual(contentOf(top), before)
  openDiskFile(base, { writable: true }).close()
})

test('killed between the end of the writing and the removal, the child is not written again', async () => {
  const { base, middle } = chainOfThree(folder())
  await mergeIntoParent([middle, base])
  const facts = { targetId: factsOfFile(base).id, childId: factsOfFile(middle).id, child: middle }
  const moment = new Date(1_700_000_000_000)
  utimesSync(middle, moment, moment)
  const childTime = moment.getTime()
  const childSize = openFileStoreSize(middle)
  writeMergeMarker(base, { ...facts, state: 'merged', childSize, childTime })
  // The guest went on without the child, whose removal is made up for now.
  write(base, MiB, 512, 9)
  await mergeIntoParent([middle, base], { deleteMerged: true })
  assert.equal(contentOf(base)[MiB], 9)
  assert.equal(existsSync(middle), false)
})

function openFileStoreSize(path: string): number {
  const store = openFileStore(path)
  const size = store.size()
  store.close()
  return size
}

test('a mark that was left for another disk of that name counts nothing', () => {
  const { base } = chainOfThree(folder())
  writeMergeMarker(base, { state: 'merging', targetId: 'another', child: '/gone.vhd' })
  openDiskFile(base, { writable: true }).close()
  assert.ok(existsSync(mergeMarkerPath(base)))
})
