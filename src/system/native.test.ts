import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { KiB, MiB } from '../base/index.ts'
import { createDiskFile } from './disk-create.ts'
import { openDiskFile } from './disks.ts'
import { openFileStore } from './files.ts'
import { nativeFiles } from './native.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-native-'))
after(() => rmSync(root, { recursive: true, force: true }))

/** A file of 4 MiB, full of one byte. */
function filled(name: string, value: number) {
  const store = openFileStore(join(root, name), { create: true })
  store.write(0, new Uint8Array(4 * MiB).fill(value))
  store.flush()
  return store
}

function canPunch(t: TestContext): boolean {
  const probe = openFileStore(join(root, `probe-${Math.random()}`), { create: true })
  const can = probe.punch !== undefined
  probe.close()
  if (!can) t.skip('no holes here: koffi cannot be loaded, or the file system makes none')
  return can
}

test('a hole gives room back, reads as zero, and is found again', (t) => {
  if (!canPunch(t)) return
  const store = filled('hole', 7)
  const before = store.allocatedBytes?.() ?? 0
  store.punch?.(MiB, 2 * MiB)
  store.flush()
  assert.equal(before - (store.allocatedBytes?.() ?? 0), 2 * MiB)
  assert.equal(store.size(), 4 * MiB)
  const into = new Uint8Array(4 * MiB)
  store.read(0, into)
  assert.deepEqual([into[MiB - 1], into[MiB], into[3 * MiB - 1], into[3 * MiB]], [7, 0, 0, 7])
  assert.deepEqual([store.nextHole?.(0), store.nextData?.(MiB)], [MiB, 3 * MiB])
  assert.deepEqual([store.nextHole?.(3 * MiB), store.nextData?.(4 * MiB)], [4 * MiB, 4 * MiB])
  store.punch?.(100, 50)
  store.read(0, into)
  assert.deepEqual([into[99], into[100], into[149], into[150]], [7, 0, 0, 7])
  store.punch?.(8 * MiB, MiB)
  assert.equal(store.size(), 4 * MiB, 'a hole behind the end changes nothing')
  store.close()
})

test('a file that is nothing but a hole has no data', () => {
  const store = openFileStore(join(root, 'empty'), { create: true })
  assert.deepEqual([store.nextData?.(0), store.nextHole?.(0)], [0, 0])
  store.truncate(MiB)
  if (nativeFiles() !== undefined) assert.equal(store.nextData?.(0), MiB)
  store.close()
})

test('a file that is only read tells the same, in whatever order it is asked', (t) => {
  if (!canPunch(t)) return
  const writer = filled('ranges', 7)
  for (const at of [0, MiB, 3 * MiB]) writer.punch?.(at, MiB / 2)
  const reader = openFileStore(join(root, 'ranges'))
  const places = [4 * MiB, 3 * MiB, 0, 100, MiB / 2, 2 * MiB, MiB - 1, MiB, MiB + 5, 3.5 * MiB, 0, 9 * MiB]
  const tell = ({ nextData, nextHole }: typeof reader) => places.map((at) => [nextData?.(at), nextHole?.(at)])
  assert.deepEqual(tell(reader), tell(writer))
  assert.deepEqual(tell(reader)[4], [MiB / 2, MiB])
  reader.close()
  writer.close()
})

test('a copy within the kernel, from any place to any place', (t) => {
  if (nativeFiles() === undefined) return t.skip('koffi cannot be loaded here')
  const [from, to] = [filled('from', 1), filled('to', 2)]
  from.write(1000, new Uint8Array([5, 6]))
  let copied = 0
  while (copied < 2 * MiB) {
    const count = to.copyFrom?.(from, 1000 + copied, MiB + 3 + copied, 2 * MiB - copied) ?? 0
    assert.ok(count > 0)
    copied += count
  }
  const into = new Uint8Array(2 * MiB + 2)
  to.read(MiB + 2, into)
  assert.deepEqual([...into.subarray(0, 4), into.at(-2), into.at(-1)], [2, 5, 6, 1, 1, 2])
  const other = { ...from }
  assert.equal(to.copyFrom?.(other, 0, 0, 512), 0, 'no file: read and write instead')
  from.close()
  to.close()
})

test('a file that is not written to has no holes made in it', () => {
  filled('kept', 1).close()
  const store = openFileStore(join(root, 'kept'))
  assert.equal(store.punch, undefined)
  store.close()
})

for (const subformat of ['dynamic', 'fixed'] as const) {
  test(`what the guest discards in a ${subformat} VHD is free again on the host`, (t) => {
    if (!canPunch(t)) return
    const path = join(root, `${subformat}.vhd`)
    createDiskFile(path, { subformat, sizeBytes: 16 * MiB })
    const disk = openDiskFile(path, { writable: true })
    disk.write(0, new Uint8Array(8 * MiB).fill(9))
    disk.flush()
    const full = allocated(path)
    disk.discard(MiB, 4 * MiB)
    disk.writeZeroes(6 * MiB, MiB)
    disk.flush()
    assert.ok(full - allocated(path) >= 5 * MiB - 64 * KiB, `${full} -> ${allocated(path)}`)
    const into = new Uint8Array(8 * MiB)
    disk.read(0, into)
    assert.deepEqual([into[MiB - 1], into[MiB], into[5 * MiB], into[6 * MiB], into[7 * MiB]], [9, 0, 9, 0, 9])
    disk.close()
  })
}

function allocated(path: string): number {
  const store = openFileStore(path)
  try {
    return store.allocatedBytes?.() ?? 0
  } finally {
    store.close()
  }
}
