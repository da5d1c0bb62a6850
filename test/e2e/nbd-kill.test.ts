import assert from 'node:assert/strict'
import net from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createQcow2, createVhdx } from '../../src/disk/index.ts'
import { CMD } from '../../src/disk/nbd/constants.ts'
import { greeting, request, write } from '../../src/disk/nbd/testing.ts'
import { createDiskFile, openDiskFile, openFileStore } from '../../src/system/index.ts'
import { serving } from './serve-process.ts'
import { newFolder } from './server-process.ts'

/**
 * A serving process is killed at random moments of a random workload, over and over on the same image: every write
 * that a finished flush covers must be there, every sector must be old or new, and the image must open and go on.
 */
const KILLS = Number(process.env.VIVARIUM_KILLS ?? 30)
const MiB = 1 << 20
const SIZE = 256 * MiB
const SECTOR = 512
/** Where the workload writes: sectors spread over many blocks, so that kills meet allocations too. */
const SLOTS = 2000
const STRIDE = Math.floor(SIZE / SLOTS / SECTOR) * SECTOR
/** Sectors of one write at most; two slots never touch. */
const SLOT_SECTORS = 8
const DEPTH = 16

const IMAGES: Record<string, (folder: string) => string> = {
  'a differencing VHD': (folder) => {
    const base = join(folder, 'base.vhd')
    createDiskFile(base, { subformat: 'dynamic', sizeBytes: SIZE })
    const path = join(folder, 'child.vhd')
    createDiskFile(path, { subformat: 'differencing', parent: base })
    return path
  },
  'a dynamic VHDX': (folder) => {
    const path = join(folder, 'disk.vhdx')
    const store = openFileStore(path, { create: true })
    createVhdx(store, { type: 'dynamic', sizeBytes: SIZE })
    store.close()
    return path
  },
  'a QCOW2': (folder) => {
    const path = join(folder, 'disk.qcow2')
    const store = openFileStore(path, { create: true })
    createQcow2(store, { sizeBytes: SIZE })
    store.close()
    return path
  },
}

/** What each slot may show after a kill: the value of the last finished flush, and those sent since. */
type Possible = Set<number>[]

/** Writes until the server dies. The server answers in order, so the n-th reply is the n-th request's. */
class Workload {
  readonly possible: Possible
  flushes = 0
  readonly #latest: number[]
  readonly #since: Set<number>[]
  readonly #asked: ('write' | 'flush')[] = []
  #flushed: number[] | undefined

  constructor(found: readonly number[]) {
    this.#latest = [...found]
    this.possible = found.map((value) => new Set([value]))
    this.#since = found.map(() => new Set())
  }

  async run(socketPath: string): Promise<void> {
    const socket = net.connect(socketPath)
    socket.on('error', () => undefined)
    socket.write(greeting('', false))
    let received = 0
    // 18 bytes of greeting; GO's answer has two replies of 20 bytes and 12 bytes of facts. Then 16 a request.
    const handshakeBytes = 18 + 20 + 12 + 20
    let answered = 0
    socket.on('data', (chunk) => {
      received += chunk.length
      const replies = Math.max(0, Math.floor((received - handshakeBytes) / 16))
      for (; answered < replies; answered++) this.#answer()
      if (received >= handshakeBytes) while (this.#asked.length < DEPTH) socket.write(this.#next())
    })
    await new Promise((resolve) => socket.once('close', resolve))
  }

  #next(): Uint8Array {
    const slot = Math.floor(Math.random() * SLOTS)
    if (Math.random() < 0.1 && this.#flushed === undefined) {
      this.#asked.push('flush')
      this.#flushed = [...this.#latest]
      for (const values of this.#since) values.clear()
      return request(CMD.flush, 0, 0)
    }
    const value = Math.random() < 0.15 ? 0 : 1 + Math.floor(Math.random() * 255)
    this.#asked.push('write')
    this.#latest[slot] = value
    this.possible[slot]!.add(value)
    this.#since[slot]!.add(value)
    if (value === 0) return request(CMD.writeZeroes, slot * STRIDE, SLOT_SECTORS * SECTOR)
    return write(slot * STRIDE, new Uint8Array(SLOT_SECTORS * SECTOR).fill(value))
  }

  #answer(): void {
    if (this.#asked.shift() !== 'flush') return
    for (const [slot, value] of this.#flushed!.entries())
      this.possible[slot] = new Set([value, ...this.#since[slot]!])
    this.#flushed = undefined
    this.flushes++
  }
}

/** The value of each sector of each slot; the disk must open for writing too. */
function sectorsOf(path: string): number[][] {
  const disk = openDiskFile(path, { writable: true })
  const bytes = new Uint8Array(SLOT_SECTORS * SECTOR)
  const slots = Array.from({ length: SLOTS }, (_, slot) => {
    disk.read(slot * STRIDE, bytes)
    return Array.from({ length: SLOT_SECTORS }, (_, sector) => {
      const part = bytes.subarray(sector * SECTOR, (sector + 1) * SECTOR)
      assert.ok(
        part.every((value) => value === part[0]),
        `slot ${slot}, sector ${sector} is a mixture`,
      )
      return part[0]!
    })
  })
  // A write that a kill cut in two leaves sectors of both; they are made one again, so that a slot has one value.
  for (const [slot, values] of slots.entries())
    if (new Set(values).size > 1) disk.write(slot * STRIDE, bytes.fill(values[0]!))
  disk.close()
  return slots
}

for (const [name, make] of Object.entries(IMAGES)) {
  test(`${name} keeps what was flushed when its server is killed`, async (t) => {
    const path = make(newFolder(t))
    let found: number[] = Array(SLOTS).fill(0)
    let flushes = 0
    for (let kill = 0; kill < Math.ceil(KILLS / Object.keys(IMAGES).length); kill++) {
      const { address, stop } = await serving(t, path, '--writable')
      const workload = new Workload(found)
      const over = workload.run(address.path!)
      await sleep(20 + Math.random() * 300)
      assert.equal(await stop('SIGKILL'), 'SIGKILL')
      await over
      flushes += workload.flushes
      const sectors = sectorsOf(path)
      for (const [slot, values] of sectors.entries())
        for (const value of values)
          assert.ok(
            workload.possible[slot]!.has(value),
            `kill ${kill}: slot ${slot} shows ${value}, possible ${[...workload.possible[slot]!]}`,
          )
      found = sectors.map((values) => values[0]!)
    }
    assert.ok(flushes > 0, 'no flush was ever answered')
  })
}
