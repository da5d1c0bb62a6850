import { execFileSync, fork, spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDiskServer } from '../src/engine/index.ts'
import { createDiskFile, openDiskFile } from '../src/system/index.ts'
import type { FloorOrder } from './nbd-floor.ts'
import { type Case, compare } from './nbd-rivals.ts'

/**
 * Our NBD server on a differencing VHD with five parents against `qemu-nbd` on a QCOW2 with five backing files: the
 * layers alike: the lowest one full, a sixth of the disk in each of the others, in runs of 64 KiB. In memory (/dev/shm
 * where there is one), so that the ratio shows the programs and not the host's disk. Each line ends with what a server in
 * Node that does next to nothing reaches.
 */
const SIZE_MB = 128
const DEPTH = 5
const MiB = 1024 * 1024
const RUN_BYTES = 64 * 1024

const CASES: readonly Case[] = [
  { kind: 'read', order: 'random', requestBytes: 4096, depth: 32, goal: 2 },
  { kind: 'read', order: 'random', requestBytes: 4096, depth: 1, goal: 2 },
  { kind: 'write', order: 'random', requestBytes: 4096, depth: 32, goal: 5 },
  { kind: 'write', order: 'random', requestBytes: 4096, depth: 1, goal: 5 },
]

const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'viv-bench-'))
const cleanups: (() => Promise<void> | void)[] = []

/** Where a layer has data of its own: every sixth run, each layer another one. Layer 0 is the lowest and has all. */
function runsOf(layer: number): number[] {
  const all = Array.from({ length: (SIZE_MB * MiB) / RUN_BYTES }, (_, run) => run)
  return layer === 0 ? all : all.filter((run) => run % (DEPTH + 1) === layer)
}

function makeOurs(): void {
  let path = ''
  const data = Buffer.alloc(RUN_BYTES)
  for (let layer = 0; layer <= DEPTH; layer++) {
    const file = join(folder, `ours-${layer}.vhd`)
    if (layer === 0) createDiskFile(file, { subformat: 'dynamic', sizeBytes: SIZE_MB * MiB })
    else createDiskFile(file, { subformat: 'differencing', parent: path })
    path = file
    const disk = openDiskFile(path, { writable: true })
    for (const run of runsOf(layer)) disk.write(run * RUN_BYTES, randomFillSync(data))
    disk.close()
  }
}

function makePeers(): string {
  let path = ''
  for (let layer = 0; layer <= DEPTH; layer++) {
    const file = join(folder, `peer-${layer}.qcow2`)
    const backing = layer === 0 ? [] : ['-b', path, '-F', 'qcow2']
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, file, `${SIZE_MB}M`])
    path = file
    const commands = runsOf(layer).map(
      (run) => `write -q -P ${1 + (run % 255)} ${run * RUN_BYTES} ${RUN_BYTES}`,
    )
    execFileSync('qemu-io', ['-f', 'qcow2', path], { input: `${commands.join('\n')}\nquit\n`, stdio: 'pipe' })
  }
  return path
}

async function startOurs(): Promise<string> {
  const layers = Array.from({ length: DEPTH + 1 }, (_, layer) => join(folder, `ours-${DEPTH - layer}.vhd`))
  const exports = [{ name: 'bench', disk: { layers, writable: true } }]
  const server = await startDiskServer({ runFolder: join(folder, 'run'), exports })
  cleanups.push(() => server.stop())
  return server.socketPath
}

async function startPeer(top: string): Promise<string> {
  const socketPath = join(folder, 'peer.sock')
  const peer = spawn('qemu-nbd', ['-f', 'qcow2', '-t', '-x', 'bench', '-k', socketPath, top], {
    stdio: 'inherit',
  })
  cleanups.push(() => void peer.kill())
  while (!existsSync(socketPath)) await sleep(20)
  return socketPath
}

async function startFloor(): Promise<string> {
  const floor = fork(join(import.meta.dirname, 'nbd-floor.ts'))
  cleanups.push(() => void floor.kill())
  const socketPath = join(folder, 'floor.sock')
  const order: FloorOrder = { socketPath, filePath: join(folder, 'floor.img'), sizeBytes: SIZE_MB * MiB }
  floor.send(order)
  await once(floor, 'message')
  return socketPath
}

try {
  makeOurs()
  const peers = makePeers()
  await compare([await startOurs(), await startPeer(peers), await startFloor()], CASES)
} finally {
  for (const cleanup of cleanups.reverse()) await cleanup()
  rmSync(folder, { recursive: true })
}
