import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { VivariumError, viewOf } from '../../src/base/index.ts'
import { CMD } from '../../src/disk/nbd/constants.ts'
import { greeting, request, write } from '../../src/disk/nbd/testing.ts'
import { createDiskFile, openDiskFile } from '../../src/system/index.ts'
import {
  playScene,
  playToEnd,
  requireNothingLeft,
  type Scene,
  type Stage,
  scenes,
  stageOf,
} from '../../src/workshop/scenes/index.ts'
import { serving } from './serve-process.ts'
import { newFolder } from './server-process.ts'
import { freeBytes, smallFileSystem, takeRoom } from './small-file-system.ts'

/**
 * Every operation on a file system that becomes full in its middle: it stops, says how much is missing, leaves nothing
 * half-done, and loses nothing; with room again it can be run to its end.
 */
const MiB = 1 << 20
const SIZE = 8 * MiB
/** Of the room that an operation takes, so much is there. */
const SHARES = [0, 0.3, 0.6, 0.9]

/** How much more room it takes, at the most, than there is taken before it. */
async function roomFor(scene: Scene, stage: Stage, folder: string): Promise<number> {
  const before = freeBytes(folder)
  let least = before
  const look = () => {
    least = Math.min(least, freeBytes(folder))
  }
  await playScene(scene, stage, { progress: look })
  look()
  return before - least
}

for (const scene of scenes)
  test(`${scene.title} stops on a full disk and loses nothing`, async (t) => {
    const small = smallFileSystem(t, 64)
    if (small === undefined) return
    const stage = await stageOf(scene, small, SIZE, newFolder(t))
    const room = await roomFor(scene, stage, small)
    let full = 0
    for (const share of SHARES) {
      stage.reset()
      takeRoom(small, Math.floor(room * share))
      try {
        await playScene(scene, stage)
      } catch (error) {
        full++
        requireSaysHowMuch(error)
        scene.check(stage.folder, SIZE)
        requireNothingLeft(scene, stage)
      } finally {
        rmSync(join(small, 'ballast'), { force: true })
      }
      await playToEnd(scene, stage)
    }
    t.diagnostic(`it takes ${room} bytes, and stopped ${full} of ${SHARES.length} times`)
    if (room > 0) assert.ok(full > 0, 'it met a full disk')
  })

function requireSaysHowMuch(error: unknown): void {
  assert.ok(error instanceof VivariumError, String(error))
  assert.equal(error.code, 'host-enospc', error.message)
  assert.match(`${error.message} ${error.next}`, /[\d.]+ (bytes|KiB|MiB)\b/)
}

const ENOSPC = 28

/** Sends requests one by one. @returns The error number of each reply. */
async function ask(path: string, requests: readonly Uint8Array[]): Promise<number[]> {
  const socket = net.connect(path)
  const errors: number[] = []
  let asked = 0
  let received = Buffer.alloc(0)
  // 18 bytes of greeting; GO's answer has two replies of 20 bytes and 12 bytes of facts. Then 16 a request.
  const handshakeBytes = 18 + 20 + 12 + 20
  socket.write(greeting('', false))
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk])
    const replies = Math.floor((received.length - handshakeBytes) / 16)
    while (errors.length < replies)
      errors.push(viewOf(received).getUint32(handshakeBytes + errors.length * 16 + 4))
    if (received.length < handshakeBytes || (replies > 0 && replies < asked)) continue
    if (asked === requests.length) break
    socket.write(requests[asked++]!)
  }
  socket.destroy()
  return errors
}

test('a client of a served disk hears that the host is full, and what was flushed stays', async (t) => {
  const small = smallFileSystem(t, 24)
  if (small === undefined) return
  const path = join(small, 'disk.vhd')
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: 64 * MiB })
  const { address, stop } = await serving(t, path, '--writable')
  const writes = Array.from({ length: 12 }, (_, index) =>
    write(index * 4 * MiB, new Uint8Array(2 * MiB).fill(1 + index)),
  )
  const flush = request(CMD.flush, 0, 0)
  const errors = await ask(
    address.path ?? '',
    writes.flatMap((each) => [each, flush]),
  )
  const done = errors.indexOf(ENOSPC) / 2
  assert.ok(done >= 5 && Number.isInteger(done), String(errors))
  assert.ok(errors.slice(0, 2 * done).every((error) => error === 0))
  await stop()
  const disk = openDiskFile(path, { writable: true })
  const bytes = new Uint8Array(2 * MiB)
  for (let index = 0; index < done; index++) {
    disk.read(index * 4 * MiB, bytes)
    assert.ok(bytes.every((value) => value === 1 + index))
  }
  disk.close()
})
