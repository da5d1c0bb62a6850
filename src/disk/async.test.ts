import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MiB } from '../base/index.ts'
import { blobSource, httpSource, readAsynchronously } from './async.ts'
import { createVhd } from './formats/vhd/create.ts'
import { reportOnDisk } from './inspect.ts'
import { openDisk, readImage } from './open.ts'
import { memoryStore } from './testing.ts'

function sample(): Uint8Array<ArrayBuffer> {
  const store = memoryStore()
  createVhd(store, { type: 'dynamic', sizeBytes: 64 * MiB })
  const disk = openDisk(store, { writable: true })
  for (let block = 0; block < 32; block += 3)
    disk.write(block * 2 * MiB + 12_345, new Uint8Array(300_000).fill(block + 1))
  disk.close()
  return store.bytes()
}

const bytes = sample()

test('a dropped file is inspected and read by the same code as a file on the host', async () => {
  const source = blobSource(new Blob([bytes]), 'dropped.vhd')
  const reader = readAsynchronously(source)
  const report = await reader.run((store) =>
    reportOnDisk({
      path: store.name,
      fileSize: store.size(),
      image: readImage(store),
      chain: [],
      chainProblems: [],
      openDisk: () => openDisk(store),
    }),
  )
  assert.equal(report.virtualSize, 64 * MiB)
  assert.equal(report.allocated, 11 * 2 * MiB)
  const disk = await reader.run((store) => openDisk(store))
  const direct = openDisk(memoryStore(bytes))
  const found = new Uint8Array(MiB)
  const expected = new Uint8Array(MiB)
  for (let at = 0; at < disk.sizeBytes; at += MiB) {
    await reader.run(() => disk.read(at, found))
    direct.read(at, expected)
    assert.deepEqual(found, expected)
  }
})

test('opening fetches only what it needs, and pages are not fetched twice', async () => {
  let fetched = 0
  const blob = blobSource(new Blob([bytes]))
  const reader = readAsynchronously({
    name: blob.name,
    sizeBytes: blob.sizeBytes,
    read(offset, length) {
      fetched += length
      return blob.read(offset, length)
    },
  })
  const disk = await reader.run((store) => openDisk(store))
  assert.ok(fetched <= 3 * 65_536, `${fetched} bytes for opening`)
  await reader.run(() => disk.read(20_000, new Uint8Array(10)))
  const before = fetched
  await reader.run(() => disk.read(20_000, new Uint8Array(10)))
  assert.equal(fetched, before)
})

test('errors of the code and of the source come through, and the reader goes on', async () => {
  let broken = false
  const blob = blobSource(new Blob([bytes]))
  const reader = readAsynchronously({
    name: 'x',
    sizeBytes: blob.sizeBytes,
    read: (offset, length) => (broken ? Promise.reject(new Error('gone')) : blob.read(offset, length)),
  })
  const disk = await reader.run((store) => openDisk(store))
  await assert.rejects(
    reader.run(() => disk.read(-1, new Uint8Array(1))),
    { code: 'disk-range' },
  )
  await assert.rejects(
    reader.run(() => disk.write(0, new Uint8Array(512))),
    { code: 'disk-read-only' },
  )
  broken = true
  await assert.rejects(
    reader.run(() => disk.read(30 * MiB, new Uint8Array(MiB))),
    { message: 'gone' },
  )
  broken = false
  await reader.run(() => disk.read(30 * MiB, new Uint8Array(MiB)))
})

test('a server without ranges is refused, one with ranges is read', async () => {
  const server =
    (ranges: boolean): typeof fetch =>
    async (_url, init) => {
      if (init?.method === 'HEAD') {
        const headers = {
          'content-length': String(bytes.length),
          ...(ranges && { 'accept-ranges': 'bytes' }),
        }
        return new Response(null, { headers })
      }
      const [, first, last] = /bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get('range')!)!
      return new Response(bytes.slice(Number(first), Number(last) + 1), { status: 206 })
    }
  await assert.rejects(httpSource('http://host/a.vhd', server(false)), { code: 'http-no-ranges' })
  const reader = readAsynchronously(await httpSource('http://host/a.vhd', server(true)))
  assert.equal(await reader.run((store) => readImage(store).facts.sizeBytes), 64 * MiB)
})
